"""Weight files: read, counted, and refused when they are broken."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from ingest.weights import (
    LARGEST_HEADER,
    element_count,
    load_weights,
    misfit,
    name_warning,
    require_fit,
    safetensors_shapes,
    weight_shapes,
)
from registry.errors import InputError

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(4)}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "weights.safetensors"
    save_file(STATE, path)
    return path


def test_shapes_and_count_come_from_the_header(file: Path) -> None:
    assert safetensors_shapes(file) == {"a.weight": (2, 3), "b": (4,)}
    assert element_count(safetensors_shapes(file)) == 10


@pytest.mark.parametrize("kept", [5, 8, 40, -1])
def test_a_truncated_file_is_refused_in_one_sentence(file: Path, kept: int) -> None:
    file.write_bytes(file.read_bytes()[:kept])
    with pytest.raises(InputError, match=r"is truncated: expected|is not a safetensors file") as caught:
        weight_shapes(file)
    assert str(file) in caught.value.message


def test_a_cut_tensor_says_how_many_bytes_are_missing(file: Path) -> None:
    size = file.stat().st_size
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(InputError, match=f"expected {size} bytes, found {size - 8}"):
        weight_shapes(file)


def test_bytes_after_the_last_tensor_are_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes() + b"x")
    with pytest.raises(InputError, match="longer than its header says"):
        weight_shapes(file)


@pytest.mark.parametrize(
    "data",
    [
        b"once upon a time there was a text file",
        (LARGEST_HEADER + 1).to_bytes(8, "little") + b"{",
        (2**62).to_bytes(8, "little") + b"{}",
        (4).to_bytes(8, "little") + b"{{{{",
        (2).to_bytes(8, "little") + b"[]",
        (20).to_bytes(8, "little") + b'{"a": {"shape": [2]}}',
    ],
)
def test_what_is_no_safetensors_file_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(data)
    with pytest.raises(InputError, match="is not a safetensors file"):
        weight_shapes(path)


def test_an_endless_header_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes((LARGEST_HEADER).to_bytes(8, "little") + b"{")
    with pytest.raises(InputError, match="is truncated: expected a header of"):
        weight_shapes(path)


def test_a_deep_header_is_refused_and_does_not_crash(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    text = b'{"a":' + b"[" * 100_000
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(InputError, match="its header is not JSON"):
        weight_shapes(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.safetensors: no such file"):
        weight_shapes(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("wrapper", [None, "state_dict", "model"])
@pytest.mark.parametrize("legacy", [False, True])
def test_a_torch_file_is_read_without_its_wrapping(tmp_path: Path, wrapper: str | None, legacy: bool) -> None:
    path = tmp_path / "weights.pth"
    state = {f"module.{name}": tensor for name, tensor in STATE.items()}
    torch.save({wrapper: state} if wrapper else state, path, _use_new_zipfile_serialization=not legacy)
    assert weight_shapes(path) == {"a.weight": (2, 3), "b": (4,)}
    assert torch.equal(load_weights(path)["a.weight"], STATE["a.weight"])


def test_a_truncated_torch_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save(STATE, path)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="truncated or damaged"):
        weight_shapes(path)


def test_a_torch_file_without_tensors_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"epoch": 3}, path)
    with pytest.raises(InputError, match="holds no state dict"):
        weight_shapes(path)


def test_an_empty_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "w.safetensors").touch()
    for path, reason in (
        (tmp_path / "w.safetensors", "is empty"),
        (tmp_path, "is a folder, expected a file"),
    ):
        for read in (weight_shapes, load_weights):
            with pytest.raises(InputError, match=reason):
                read(path)


def test_the_content_says_what_a_file_is_and_a_false_name_is_refused(tmp_path: Path, file: Path) -> None:
    assert weight_shapes(file.rename(tmp_path / "weights.bin")) == {"a.weight": (2, 3), "b": (4,)}
    torch.save(STATE, tmp_path / "x.safetensors")
    with pytest.raises(InputError, match="is called safetensors, but is a file of torch"):
        weight_shapes(tmp_path / "x.safetensors")


def test_a_header_of_640_bytes_is_no_pickle(tmp_path: Path) -> None:
    header = b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'.ljust(640)
    data = (640).to_bytes(8, "little") + header + bytes(4)
    assert data.startswith(b"\x80\x02")
    (tmp_path / "w.bin").write_bytes(data)
    assert weight_shapes(tmp_path / "w.bin") == {"a": (1,)}
    assert load_weights(tmp_path / "w.bin")["a"].tolist() == [0.0]


@pytest.mark.parametrize(
    "entry",
    [
        '{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[2],"data_offsets":[0,4]}',
        '{"dtype":"F99","shape":[1],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[1],"data_offsets":[4]}',
        '{"dtype":["F32"],"shape":[1],"data_offsets":[0,4]}',
        '{"dtype":"F32","shape":[true],"data_offsets":[0,4]}',
        '"F32"',
        "null",
    ],
)
def test_a_header_that_contradicts_itself_is_refused(tmp_path: Path, entry: str) -> None:
    header = f'{{"a\\nb":{entry}}}'.encode()
    (tmp_path / "w.bin").write_bytes(len(header).to_bytes(8, "little") + header + bytes(4))
    with pytest.raises(InputError, match=r"its header describes no tensor under 'a\?b'"):
        weight_shapes(tmp_path / "w.bin")


@pytest.mark.parametrize(
    ("name", "is_odd"),
    [
        ("net-0123abcd.pth", False),
        ("net-0123abce.pth", True),
        ("net-20180101.pth", False),
        ("net.pth", False),
        ("net-0123abcd.x2.pth", False),
    ],
)
def test_a_name_that_says_another_digest_is_warned_about(name: str, is_odd: bool) -> None:
    warning = name_warning(Path(name), "0123abcd" + "0" * 56)
    assert bool(warning) == is_odd
    assert ("0123abce" in warning) == is_odd


def test_misfit_names_the_first_of_each_kind() -> None:
    expected = {"a": (2, 3), "b": (4,), "c": (1,)}
    assert misfit(expected, expected) is None
    clause = misfit(expected, {"a": (3, 2), "b": (4,), "x": (1,), "y": (1,)})
    assert clause == (
        "'c' is missing; 'x' is not expected (and 1 more); 'a' has shape [3, 2], expected [2, 3]"
    )


def test_weights_that_do_not_fit_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"w\.pt does not fit timm:x: 'a' is missing"):
        require_fit(tmp_path / "w.pt", "timm:x", {"a": (1,)}, {})
