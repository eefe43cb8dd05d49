"""Arrays of .npz files: chosen, bounded, and never pickled."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from ingest import items_from_npz
from ingest.items_from_columns import Choice
from ingest.items_from_npz import open_npz
from ingest.items_from_tables import items_of_table
from ingest.pictures import decode
from registry.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)


def test_arrays_are_pictures_texts_and_covariates(tmp_path: Path) -> None:
    words = np.array([["x", "y"], ["z", "w"], ["u", "v"]])
    np.savez(
        tmp_path / "t.npz",
        pics=PIXELS,
        words=words,
        names=np.array(["a", "b", "c"]),
        label=np.array([3, 1, 2]),
        vectors=np.zeros((3, 8)),
        classes=np.array(["p", "q"]),
    )
    choice = Choice(id="names", texts=("words",), image="pics")
    found = items_of_table(open_npz(tmp_path / "t.npz"), choice)
    assert (found.items.ids, found.items.texts) == (["a", "b", "c"], words.tolist())
    assert found.items.extra == {"label": ["3", "1", "2"]}
    assert found.notes == ("left out, not one plain value an item: vectors, classes",)
    decoded = [np.asarray(decode(picture, "")) for picture in found.items.images or []]
    assert np.array_equal(np.stack(decoded), PIXELS)


def test_arrays_of_another_length_are_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", image=PIXELS, id=np.array(["a", "b"]))
    with pytest.raises(InputError, match="'id' has 2 values, 'image' has 3"):
        items_of_table(open_npz(tmp_path / "t.npz"), Choice())


@pytest.mark.parametrize("array", [PIXELS / 255, PIXELS[..., :1], PIXELS[..., 0]])
def test_arrays_that_are_no_pictures_are_refused(tmp_path: Path, array: np.ndarray) -> None:
    np.savez(tmp_path / "t.npz", image=array)
    with pytest.raises(InputError, match=r"expected uint8 of shape \(height, width, 3\)"):
        items_of_table(open_npz(tmp_path / "t.npz"), Choice())


def test_objects_are_refused_before_they_are_read(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", text=np.array(["a", None], dtype=object))
    with pytest.raises(InputError, match="holds pickled Python objects"):
        open_npz(tmp_path / "t.npz")


def test_an_array_too_large_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    np.savez_compressed(tmp_path / "t.npz", image=np.zeros((100, 100, 100, 3), np.uint8))
    monkeypatch.setattr(items_from_npz, "LARGEST_ARRAY", 2_999_999)
    with pytest.raises(InputError, match="has 3,000,000 bytes, at most 2,999,999 are read"):
        open_npz(tmp_path / "t.npz")


def test_a_header_that_promises_more_than_there_is_is_refused(tmp_path: Path) -> None:
    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|u1', 'fortran_order': False, 'shape': (9999999999,), }"
    with zipfile.ZipFile(tmp_path / "t.npz", "w") as archive:
        archive.writestr("image.npy", header.ljust(127) + b"\n" + b"\0" * 10)
    with pytest.raises(InputError, match=r"has 9,999,999,999 bytes|is shorter or longer than it says"):
        open_npz(tmp_path / "t.npz")


def test_a_missing_number_is_no_value(tmp_path: Path) -> None:
    np.savez(tmp_path / "t.npz", text=np.array(["x", "y"]), age=np.array([1.5, np.nan]))
    assert items_of_table(open_npz(tmp_path / "t.npz"), Choice()).items.extra == {"age": ["1.5", ""]}


def test_a_file_without_arrays_is_refused(tmp_path: Path) -> None:
    zipfile.ZipFile(tmp_path / "t.npz", "w").close()
    with pytest.raises(InputError, match="has no arrays"):
        open_npz(tmp_path / "t.npz")
    with pytest.raises(InputError, match="no such file"):
        open_npz(tmp_path / "nowhere.npz")
