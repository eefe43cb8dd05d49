"""Readers of embedding files: what each format gives, and how it says no."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.io
import torch
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch

from ingest.embedding_files import Part, ReadOptions, format_of, read_ids, read_parts
from ingest.embedding_files.parts import natural
from ingest.embedding_files.platonic_files import model_and_pooling
from registry.errors import EmbeddingMismatch, InputError, UsageError

torch.set_num_threads(1)
N = 6
ROWS = np.random.default_rng(0).normal(size=(3, N, 4)).astype(np.float32)  # (L, N, D)


def read(path: Path, file_format: str | None = None, **options: object) -> Part:
    """The only part of a file."""
    (part,) = read_parts(path, format_of(path, file_format), ReadOptions(N, **options))  # type: ignore[arg-type]
    return part


def test_layers_of_a_pattern_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    tensors = {f"blocks.{i}": ROWS[i % 3] + i for i in range(12)} | {"head": ROWS[0, :, :2]}
    save_file(tensors, tmp_path / "f.safetensors")
    part = read(tmp_path / "f.safetensors", layers="blocks.{i}")
    assert list(part.layers) == [f"blocks.{i}" for i in range(12)]
    assert all(np.array_equal(part.layers[name], tensors[name]) for name in part.layers)
    assert list(read(tmp_path / "f.safetensors").layers)[-1] == "head"
    with pytest.raises(InputError, match=r"no array is called 'layers.{i}', it has blocks.0, blocks.1"):
        read(tmp_path / "f.safetensors", layers="layers.{i}")


def test_half_precision_is_read_exactly(tmp_path: Path) -> None:
    halves = {"a": torch.from_numpy(ROWS[0]).bfloat16(), "b": torch.from_numpy(ROWS[1]).half()}
    save_torch(halves, tmp_path / "f.safetensors")
    part = read(tmp_path / "f.safetensors")
    for name, tensor in halves.items():
        assert np.array_equal(part.layers[name].astype(np.float32), tensor.float().numpy())


def test_a_safetensors_header_is_bounded_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "f.safetensors"
    for data in (
        b"",
        b"\xff" * 40,
        (2**62).to_bytes(8, "little") + b"{}",
        (40).to_bytes(8, "little") + b"{}",
    ):
        path.write_bytes(data)
        with pytest.raises(InputError, match="give no header length"):
            read(path)
    save_file({"a": ROWS[0]}, path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(InputError, match="'a' does not lie in the file"):
        read(path)


@pytest.mark.parametrize(
    ("axes", "array"),
    [("L,N,D", ROWS), ("n, l, d", np.moveaxis(ROWS, 0, 1)), ("L,N,D", np.asfortranarray(ROWS))],
)
def test_axes_say_which_are_the_items(tmp_path: Path, axes: str, array: np.ndarray) -> None:
    np.save(tmp_path / "f.npy", array)
    part = read(tmp_path / "f.npy", axes=axes)
    assert list(part.layers) == ["layer.0", "layer.1", "layer.2"]
    assert all(np.array_equal(mine, row) for mine, row in zip(part.layers.values(), ROWS, strict=True))


def test_axes_that_cannot_be_told_are_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "f.npy", ROWS)
    with pytest.raises(InputError, match=r"which axis of the shape \(3, 6, 4\) are the items"):
        read(tmp_path / "f.npy")
    with pytest.raises(InputError, match="has not the axes N,D"):
        read(tmp_path / "f.npy", axes="N,D")
    with pytest.raises(InputError, match="'D,N' are no axes"):
        read(tmp_path / "f.npy", axes="D,N")
    np.save(tmp_path / "f.npy", ROWS[0])
    assert list(read(tmp_path / "f.npy", layer="last").layers) == ["last"]


def test_an_archive_has_a_layer_per_array_and_perhaps_ids(tmp_path: Path) -> None:
    ids = np.array([f"i{i}" for i in range(N)])
    np.savez_compressed(tmp_path / "f.npz", layer2=ROWS[0], layer10=ROWS[1], ids=ids)
    part = read(tmp_path / "f.npz")
    assert (list(part.layers), part.ids) == (["layer2", "layer10"], ids.tolist())
    assert np.array_equal(part.layers["layer10"], ROWS[1])


def test_an_archive_that_unpacks_to_too_much_is_refused_before(tmp_path: Path) -> None:
    header = {"descr": "<f4", "fortran_order": False, "shape": (N, 2**24)}
    with (
        zipfile.ZipFile(tmp_path / "f.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a.npy", "w", force_zip64=True) as file,
    ):
        np.lib.format.write_array_header_1_0(file, header)
        for _ in range(N):
            file.write(bytes(4 * 2**24))
    with pytest.raises(InputError, match=r"'a\.npy' would unpack from"):
        read(tmp_path / "f.npz")


@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_pickled_objects_are_never_loaded(tmp_path: Path, suffix: str) -> None:
    path, mark = tmp_path / f"f{suffix}", tmp_path / "executed"
    array = np.empty(1, dtype=object)
    array[0] = Bomb(mark)
    (np.save if suffix == ".npy" else np.savez)(path, array)
    with pytest.raises(InputError, match="holds pickled objects"):
        read(path)
    assert not mark.exists()


class Bomb:
    """What makes a file when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.mark,)


def test_vectors_of_a_table_are_layers_and_its_ids_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    columns = {"id": [f"i{i}" for i in range(N)], "a": list(ROWS[0]), "note": ["x"] * N, "b": list(ROWS[1])}
    pq.write_table(pa.table(columns), path)
    part = read(path)
    assert (list(part.layers), part.ids) == (["a", "b"], columns["id"])
    assert np.array_equal(part.layers["b"], ROWS[1])
    with pytest.raises(InputError, match=r"no column of ids \(photo\), it has id, a, note, b"):
        read(path, id_column="photo")


def test_tables_that_cannot_be_matrices_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    ids = [f"i{i}" for i in range(N)]
    pq.write_table(pa.table({"id": ids, "a": [[1.0]] * (N - 1) + [[1.0, 2.0]]}), path)
    with pytest.raises(InputError, match="vectors of 'a' have several widths"):
        read(path)
    pq.write_table(pa.table({"id": ids, "a": [[1.0]] * (N - 1) + [[None]]}), path)
    with pytest.raises(InputError, match="a number in 'a' is missing"):
        read(path)
    pq.write_table(pa.table({"id": ids[1:], "a": [[1.0]] * (N - 1)}), path)
    with pytest.raises(EmbeddingMismatch, match="expected 6 rows, one per item, found 5"):
        read(path)


def test_matlab_variables_are_layers_and_structures_are_models(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "v.mat", {"a": ROWS[0], "b": ROWS[1]}, do_compression=True)
    assert list(read(tmp_path / "v.mat").layers) == ["a", "b"]
    square = np.ones((N, N)) - np.eye(N)
    records = np.array(
        [(name, square, [0, 0, 1]) for name in ("IT", "V 1")],
        dtype=[("name", "O"), ("RDM", "O"), ("color", "O")],
    )
    scipy.io.savemat(tmp_path / "s.mat", {"RDMs": records})
    parts = read_parts(tmp_path / "s.mat", "mat", ReadOptions(N, "distances"))
    assert [(part.name, list(part.layers)) for part in parts] == [("IT", ["RDM"]), ("V 1", ["RDM"])]
    assert np.array_equal(parts[1].layers["RDM"], square)


def test_newer_matlab_files_are_refused_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "f.mat"
    path.write_bytes(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(512) + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(InputError, match=r"version 7\.3, which is not read") as caught:
        read(path)
    assert "-v7" in caught.value.hint


def test_a_feature_file_of_platonic_rep_has_a_layer_per_hidden_state(tmp_path: Path) -> None:
    path = tmp_path / "bigscience_bloomz-560m_pool-avg.pt"
    feats = torch.from_numpy(np.moveaxis(ROWS, 0, 1).copy())
    saved = {
        "feats": feats.half(),
        "num_params": 559_214_592,
        "mask": torch.ones(N, 3),
        "bpb": torch.tensor(1.25),
    }
    torch.save(saved, path)
    part = read(path)
    assert (part.name, part.pooling) == ("bigscience_bloomz-560m", "mean")
    assert part.facts == {"num_params": 559_214_592, "bits_per_byte": 1.25, "modality": "language"}
    assert np.array_equal(part.layers["layer.2"], feats.half().float().numpy()[:, 2])
    torch.save({"feats": [feats[:, 0], feats[:, 1, :2]]}, path)
    assert [layer.shape for layer in read(path).layers.values()] == [(N, 4), (N, 2)]


@pytest.mark.parametrize(
    ("saved", "sentence"),
    [
        ({"features": 1}, "has no 'feats', it holds a dictionary of features"),
        ([1], "has no 'feats', it holds list"),
        ({"feats": torch.zeros(6, 4)}, r"has the shape \(6, 4\), expected \(items, layers, width\)"),
        ({"feats": torch.zeros(6, 2, 4, dtype=torch.int64)}, "expected floats"),
        ({"feats": torch.zeros(1).expand(6, 2, 2**20)}, "the file holds fewer"),
        ({"feats": "x"}, "'feats' is str"),
    ],
)
def test_other_torch_files_are_refused(tmp_path: Path, saved: object, sentence: str) -> None:
    torch.save(saved, tmp_path / "f.pt")
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "f.pt")


def test_a_torch_file_never_runs_what_is_in_it(tmp_path: Path) -> None:
    mark = tmp_path / "executed"
    torch.save({"feats": Bomb(mark)}, tmp_path / "f.pt")
    (tmp_path / "g.pt").write_bytes(pickle.dumps(Bomb(mark)))
    for name in ("f.pt", "g.pt"):
        with pytest.raises(InputError, match="without running code from it"):
            read(tmp_path / name)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("stem", "expected"),
    [
        ("bigscience_bloomz-560m_pool-avg", ("bigscience_bloomz-560m", "mean")),
        ("vit_tiny_patch16_224.augreg_in21k-cls", ("vit_tiny_patch16_224.augreg_in21k", "cls")),
        ("a_b_pool-last_prompt-x_cid-1", ("a_b", "last")),
        ("anything", ("anything", None)),
    ],
)
def test_file_names_say_model_and_pooling(stem: str, expected: tuple[str, str | None]) -> None:
    assert model_and_pooling(stem) == expected


def test_suffixes_tell_formats_and_others_are_asked_for(tmp_path: Path) -> None:
    assert format_of(Path("x.NPZ"), None) == "npz"
    with pytest.raises(UsageError, match="its suffix tells no format"):
        format_of(Path("x.bin"), None)
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "absent.npy")


def test_ids_are_read_a_line_each(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_bytes("\ufeffa\nb ä\n".encode())
    assert read_ids(tmp_path / "ids.txt") == ["a", "b ä"]
    (tmp_path / "ids.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="is no list of ids"):
        read_ids(tmp_path / "ids.txt")


def test_numbers_in_names_sort_as_numbers() -> None:
    assert sorted(["b10", "b2", "a", "b", "2", "x9y10", "x9y9"], key=natural) == [
        "2", "a", "b", "b2", "b10", "x9y9", "x9y10",
    ]  # fmt: skip
