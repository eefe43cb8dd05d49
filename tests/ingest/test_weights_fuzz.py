"""Whatever bytes a weight file holds, the outcome is tensors or one sentence, and nothing runs."""

from __future__ import annotations

import tempfile
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save

from ingest.weights import load_weights, weight_shapes
from registry.errors import InputError
from tests.ingest.pickles import STATE, write_marked

torch.set_num_threads(1)
HEADS = [b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x02\x8a\x0a", b"\x80\x05", b"\x20\0\0\0\0\0\0\0{"]
ROUNDS = 350  # of each of six seeds: 2,100 inputs


def outcome(path: Path) -> str:
    """Return `shapes` or the sentence; anything else escapes as the failure it is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            shapes = weight_shapes(path)
            tensors = load_weights(path)
    except InputError as error:
        assert error.message.isprintable(), error.message
        assert str(path) in error.message
        assert len(error.message) < 600
        return error.message
    assert {name: tuple(tensor.shape) for name, tensor in tensors.items()} == shapes
    return "shapes"


def seeds(folder: Path, mark: Path) -> dict[str, bytes]:
    """Return good and evil files of each kind."""
    found = {"safetensors": save(STATE)}
    for name, is_zip in (("zip", True), ("legacy", False)):
        path = folder / name
        torch.save({"state_dict": STATE}, path, _use_new_zipfile_serialization=is_zip)
        found[name] = path.read_bytes()
        found[f"evil {name}"] = write_marked(path, mark, form=name).read_bytes()
    found["evil pickle"] = write_marked(folder / "p", mark, form="pickle 2").read_bytes()
    return found


def mutated(data: bytes, generator: np.random.Generator) -> bytes:
    """Return a file cut, with bytes changed, with a stretch repeated or left out, or with more behind it."""
    array = bytearray(data)
    kind = generator.integers(5)
    start, stop = sorted(generator.integers(0, len(data) + 1, 2).tolist())
    if kind == 0:
        return bytes(array[:stop])
    if kind == 1:
        for place in generator.integers(0, len(data), generator.integers(1, 9)):
            array[place] = generator.integers(256)
        return bytes(array)
    if kind == 2:
        return bytes(array[:stop] + array[start:])
    if kind == 3:
        return bytes(array[:start] + array[stop:])
    return bytes(array) + generator.bytes(int(generator.integers(1, 64)))


@pytest.mark.parametrize("seed", ["safetensors", "zip", "legacy", "evil zip", "evil legacy", "evil pickle"])
def test_a_damaged_file_is_tensors_or_one_sentence(tmp_path: Path, seed: str) -> None:
    mark, path = tmp_path / "mark", tmp_path / "weights.pt"
    data = seeds(tmp_path, mark)[seed]
    generator = np.random.default_rng(sum(map(ord, seed)))
    path.write_bytes(data)
    assert (outcome(path) == "shapes") == (not seed.startswith("evil"))
    for _ in range(ROUNDS):
        path.write_bytes(mutated(data, generator))
        outcome(path)
        assert not mark.exists()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(
        [b"", b"PK\x03\x04", b"\x80\x02", b"\x80\x02\x8a\x0a", b"\x80\x05", b"\x20\0\0\0\0\0\0\0{"]
    ),
    st.binary(max_size=200),
)
def test_random_bytes_are_one_sentence(head: bytes, tail: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "weights.pt"
        path.write_bytes(head + tail)
        assert outcome(path) != "shapes"
