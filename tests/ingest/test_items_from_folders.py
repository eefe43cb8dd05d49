"""Folders of pictures, with and without a table that describes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ingest.items_from_columns import Choice
from ingest.items_from_sources import items_from_source
from ingest.pictures import encode_png
from registry.errors import InputError

PICTURES = [
    encode_png(pixels) for pixels in np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "birds"
    for name, data in zip(("b.png", "owls/a.png", "owls/c.PNG"), PICTURES, strict=True):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    (root / "owls/._c.png").write_bytes(b"a shadow of another system")
    (root / "notes.txt").write_text("no picture")
    return root


def test_ids_are_paths_without_suffix(folder: Path) -> None:
    found = items_from_source(str(folder))
    assert found.items.ids == ["b", "owls/a", "owls/c"]
    assert found.items.images == PICTURES
    assert (found.items.extra, found.notes) == ({}, ())


def test_folders_are_a_covariate_or_groups_when_asked(folder: Path) -> None:
    assert items_from_source(str(folder), Choice(covariates=("folder",))).items.extra == {
        "folder": [".", "owls", "owls"]
    }
    assert items_from_source(str(folder), Choice(group="folder")).items.group_ids == [".", "owls", "owls"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl"])
def test_metadata_gives_order_texts_and_covariates(folder: Path, suffix: str) -> None:
    rows = [("owls/a.png", "an owl", "x"), ("b.png", "a bird", "y"), ("owls/a.png", "again", "x")]
    if suffix == "csv":
        lines = ["file_name,text,kind", *(",".join(row) for row in rows)]
    else:
        lines = [json.dumps(dict(zip(("file_name", "text", "kind"), row, strict=True))) for row in rows]
    (folder / f"metadata.{suffix}").write_text("\n".join(lines))
    for source in (folder, folder / f"metadata.{suffix}"):
        found = items_from_source(str(source))
        assert found.items.ids == ["owls/a", "b"]
        assert found.items.images == [PICTURES[1], PICTURES[0]]
        assert found.items.texts == [["an owl", "again"], ["a bird"]]
        assert found.items.extra == {"kind": ["x", "y"]}
        assert found.notes == (f"1 pictures are not in metadata.{suffix}, and left out: first owls/c.PNG",)


def test_metadata_of_a_picture_that_is_not_there_is_refused(folder: Path) -> None:
    (folder / "metadata.csv").write_text("file_name,text\nb.png,x\nd.png,y\n")
    with pytest.raises(InputError, match=r"line 3: .*names 'd.png', which cannot be read"):
        items_from_source(str(folder))


def test_metadata_without_file_names_is_refused(folder: Path) -> None:
    (folder / "metadata.csv").write_text("filename,text\nb.png,x\n")
    with pytest.raises(InputError, match="has no column 'file_name', found filename, text") as refusal:
        items_from_source(str(folder))
    assert refusal.value.hint == "did you mean filename ?"


def test_two_tables_of_metadata_are_refused(folder: Path) -> None:
    (folder / "metadata.csv").write_text("file_name\nb.png\n")
    (folder / "metadata.jsonl").write_text('{"file_name": "b.png"}')
    with pytest.raises(InputError, match=r"has metadata\.csv and metadata\.jsonl"):
        items_from_source(str(folder))


def test_a_plain_folder_is_read_as_one_in_spite_of_metadata(folder: Path) -> None:
    (folder / "metadata.csv").write_text("file_name\nb.png\n")
    assert len(items_from_source(str(folder), form="folder").items.ids) == 3


def test_folders_without_pictures_or_metadata_are_refused(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="has no picture"):
        items_from_source(str(tmp_path / "empty"))
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        items_from_source(str(tmp_path / "nowhere"))
    with pytest.raises(InputError, match=r"has no metadata\.csv"):
        items_from_source(str(folder), form="imagefolder")
