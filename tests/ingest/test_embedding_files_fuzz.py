"""Whatever bytes a file holds, a reader gives parts or one sentence: no traceback, and nothing is run."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from ingest.embedding_files import READERS, Part, ReadOptions, read_parts
from ingest.external_alignments import read_alignments
from ingest.layer_checks import checked_layers
from ingest.matrix_checks import checked_matrices
from registry.errors import RegistryError

torch.set_num_threads(1)
N = 6
INPUTS = 2200  # per reader
LAYERS = np.random.default_rng(0).normal(size=(2, N, 3)).astype(np.float32)


def bytes_of(write: Callable[[io.BytesIO], object]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def table() -> pa.Table:
    return pa.table({"id": [f"i{i}" for i in range(N)], "a": list(LAYERS[0]), "b": list(LAYERS[1])})


WHOLE = {
    "safetensors": save({"blocks.0": LAYERS[0], "blocks.1": LAYERS[1]}),
    "npy": bytes_of(lambda file: np.save(file, LAYERS[0])),
    "npz": bytes_of(lambda file: np.savez_compressed(file, a=LAYERS[0], b=LAYERS[1])),
    "parquet": bytes_of(lambda file: pq.write_table(table(), file)),
    "mat": bytes_of(
        lambda file: scipy.io.savemat(file, {"a": LAYERS[0], "b": LAYERS[1]}, do_compression=True)
    ),
    "platonic-rep": bytes_of(
        lambda file: torch.save(
            {"feats": torch.from_numpy(np.moveaxis(LAYERS, 0, 1).copy()), "bpb": 1.0, "num_params": 3}, file
        )
    ),
}
PLAIN_MAT = bytes_of(lambda file: scipy.io.savemat(file, {"a": LAYERS[0]}))
RESULT = bytes_of(lambda file: np.save(file, np.array({"scores": 1}, dtype=object), allow_pickle=True))


def damaged(whole: bytes, random: np.random.Generator) -> bytes:
    """A file with some bytes changed, cut out, doubled, or cut off."""
    data = bytearray(whole)
    for _ in range(int(random.integers(1, 4))):
        at = int(random.integers(0, max(1, len(data))))
        length = int(random.integers(1, 9))
        kind = random.integers(0, 4)
        if kind == 0:
            data[at : at + length] = random.integers(0, 256, length, dtype=np.uint8).tobytes()
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length]
        else:
            data[at : at + 1] = bytes([int(random.choice([0, 1, 127, 128, 255]))])
    if random.random() < 0.1:
        del data[int(random.integers(0, len(data) + 1)) :]
    return bytes(data)


def outcome(path: Path, file_format: str, *, kind: str = "features") -> list[Part] | str:
    """The parts of a file as they would be stored, or the sentence that refuses it."""
    options = ReadOptions(N, kind)  # type: ignore[arg-type]
    try:
        parts = read_parts(path, file_format, options)
        for part in parts:
            if kind == "features":
                checked_layers(part.layers, what="x", dataset="toy", item_count=N)
            else:
                checked_matrices(part.layers, kind="kernel", what="x", dataset="toy", item_count=N)
    except RegistryError as error:
        assert error.message
        assert error.hint
        assert "\n" not in error.message + error.hint
        return error.message
    assert all(len(layer) for part in parts for layer in part.layers.values())
    return parts


@pytest.mark.parametrize("file_format", READERS)
def test_a_damaged_file_is_read_or_refused_in_one_line(file_format: str, tmp_path: Path) -> None:
    random = np.random.default_rng(sum(file_format.encode()))
    path = tmp_path / "file"
    path.write_bytes(WHOLE[file_format])
    whole = outcome(path, file_format)
    assert isinstance(whole, list), whole
    refused = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(INPUTS):
            source = PLAIN_MAT if file_format == "mat" and number % 2 else WHOLE[file_format]
            path.write_bytes(damaged(source, random))
            kind = "kernel" if number % 5 == 0 else "features"
            refused += isinstance(outcome(path, file_format, kind=kind), str)
    assert refused > INPUTS / 10


@pytest.mark.parametrize("file_format", READERS)
def test_any_bytes_are_read_or_refused_in_one_line(
    file_format: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("any") / "file"

    @settings(max_examples=150, deadline=None, database=None)
    @given(st.binary(max_size=300), st.integers(0, 200))
    @example(b"X", 0)  # torch's unpickler: struct.error
    def look(data: bytes, kept: int) -> None:
        path.write_bytes(WHOLE[file_format][:kept] + data)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            outcome(path, file_format)

    look()


def test_a_damaged_result_is_refused_in_one_line_and_never_run(tmp_path: Path) -> None:
    random = np.random.default_rng(9)
    path = tmp_path / "mutual_knn_k10.npy"
    for _ in range(INPUTS):
        path.write_bytes(damaged(RESULT, random))
        with pytest.raises(RegistryError) as caught:
            read_alignments(path, trust_pickle=False)
        assert "\n" not in caught.value.message + caught.value.hint
