"""Items from folders, tables and arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.items_from_files import items_from_arrays, items_from_files
from ingest.pictures import decode, encode_png
from registry.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "pictures"
    path.mkdir()
    for name, pixels in zip(("b.png", "a10.png", "a9.png"), PIXELS, strict=True):
        (path / name).write_bytes(encode_png(pixels))
    (path / "notes.txt").write_text("not a picture")
    return path


def table(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_pictures_come_by_name_with_their_own_bytes(folder: Path) -> None:
    items = items_from_files(folder)
    assert items.ids == ["a10", "a9", "b"]
    assert items.images == [(folder / f"{name}.png").read_bytes() for name in items.ids]
    assert items.texts is None


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".parquet"])
def test_texts_are_joined_by_id_whatever_their_order(folder: Path, tmp_path: Path, suffix: str) -> None:
    rows = [("id", "text", "kind"), ("b", "a bee, flying", "x"), ("a9", "nine", "y"), ("a10", "ten", "z")]
    path = tmp_path / f"texts{suffix}"
    if suffix == ".parquet":
        pq.write_table(pa.table({c: [row[i] for row in rows[1:]] for i, c in enumerate(rows[0])}), path)
    else:
        delimiter = "," if suffix == ".csv" else "\t"
        table(path, "\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows))
    items = items_from_files(folder, path)
    assert items.texts == [["ten"], ["nine"], ["a bee, flying"]]
    assert items.extra == {"kind": ["z", "y", "x"]}


def test_a_table_alone_keeps_its_order_and_its_captions(tmp_path: Path) -> None:
    items = items_from_files(texts=table(tmp_path / "t.csv", "id,text\nz,one\na,two\nz,three\n"))
    assert items.ids == ["z", "a"]
    assert items.texts == [["one", "three"], ["two"]]
    assert items.images is None


def test_a_byte_order_mark_is_no_part_of_a_column(tmp_path: Path) -> None:
    assert items_from_files(texts=table(tmp_path / "t.csv", "\ufeffid,text\na,x\nb,y\n")).ids == ["a", "b"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name,text\na,x\n", "has no column 'id', found name, text"),
        ("id,caption\na,x\n", "has no column 'text'"),
        ("", "has no column 'id', found none"),
        ("id,text\na\n", "line 2: expected 2 fields"),
        ("id,text\na,x,y\n", "line 2: expected 2 fields"),
        ('id,text\na,"x\n', "cannot be read as a table"),
    ],
)
def test_a_table_that_does_not_say_what_it_should_is_refused(
    tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        items_from_files(texts=table(tmp_path / "t.csv", text))


def test_text_that_is_no_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes("id,text\na,ä\n".encode("latin-1"))
    with pytest.raises(InputError, match="cannot be read as a table"):
        items_from_files(texts=path)


def test_a_broken_parquet_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read as Parquet"):
        items_from_files(texts=table(tmp_path / "t.parquet", "PAR1"))


def test_a_long_text_is_read_whole(tmp_path: Path) -> None:
    items = items_from_files(texts=table(tmp_path / "t.csv", f"id,text\na,{'x' * 200_000}\nb,y\n"))
    assert items.texts is not None
    assert len(items.texts[0][0]) == 200_000


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("id,text\nb,x\na9,y\n", r"item 'a10' of .*pictures is not in .*t\.csv \(1 such items\)"),
        ("id,text\nb,x\na9,y\na10,z\nq,w\n", r"item 'q' of .*t\.csv is not in .*pictures"),
    ],
)
def test_pictures_and_texts_of_other_items_are_refused(
    folder: Path, tmp_path: Path, text: str, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        items_from_files(folder, table(tmp_path / "t.csv", text))


def test_two_files_of_one_id_are_refused(folder: Path) -> None:
    (folder / "b.jpg").write_bytes(b"")
    with pytest.raises(InputError, match=r"b\.jpg and b\.png have one name without suffix"):
        items_from_files(folder)


def test_folders_and_tables_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such folder"):
        items_from_files(tmp_path / "nowhere")
    with pytest.raises(InputError, match="has no picture"):
        items_from_files(tmp_path)
    with pytest.raises(InputError, match=r"nowhere\.csv: no such file"):
        items_from_files(texts=tmp_path / "nowhere.csv")
    with pytest.raises(InputError, match="is no table"):
        items_from_files(texts=table(tmp_path / "t.xlsx", "x"))
    with pytest.raises(InputError, match="needs items"):
        items_from_files()


def test_arrays_become_png_without_loss() -> None:
    items = items_from_arrays(PIXELS, texts=["x", ["y", "z"], "w"])
    assert items.ids == ["000000", "000001", "000002"]
    assert items.texts == [["x"], ["y", "z"], ["w"]]
    assert items.images is not None
    decoded = [np.asarray(decode(image, "")) for image in items.images]
    assert np.array_equal(np.stack(decoded), PIXELS)


@pytest.mark.parametrize("array", [PIXELS / 255, PIXELS[..., :1], PIXELS[0], PIXELS[:, :0]])
def test_an_array_that_is_not_pictures_is_refused(array: np.ndarray) -> None:
    with pytest.raises(InputError, match=r"expected uint8 of shape \(n, h, w, 3\), found"):
        items_from_arrays(array)


GROUPED = "id,text,group_id,kind\nz,one,g,p\na,two,h,q\nz,three,g,r\n"


def test_a_column_of_groups_makes_groups_and_no_covariate(tmp_path: Path) -> None:
    items = items_from_files(texts=table(tmp_path / "t.csv", GROUPED))
    assert items.group_ids == ["g", "h"]
    assert items.extra == {"kind": ["p", "q"]}


def test_another_column_can_be_named_as_the_groups(folder: Path, tmp_path: Path) -> None:
    text = "id,text,photo,kind\nb,x,1,p\na9,y,1,q\na10,z,2,p\n"
    items = items_from_files(folder, table(tmp_path / "t.csv", text), groups="photo")
    assert (items.ids, items.group_ids) == (["a10", "a9", "b"], ["2", "1", "1"])
    assert items.extra == {"kind": ["p", "q", "p"]}


@pytest.mark.parametrize(
    ("text", "groups", "sentence"),
    [
        (GROUPED, "grup", "has no column 'grup' for groups, found group_id, kind"),
        (GROUPED, "text", "has no column 'text' for groups"),
        (GROUPED, "kind", "has a column 'group_id', and 'kind' is to be the groups"),
        ("id,text,group_id\na,x,g\nb,y,\n", None, "item 'b' has no group"),
        ("id,text,group_id\na,x,g\na,y,h\n", None, "item 'a' is in the groups 'g' and 'h'"),
    ],
)
def test_groups_that_mean_nothing_are_refused(
    tmp_path: Path, text: str, groups: str | None, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        items_from_files(texts=table(tmp_path / "t.csv", text), groups=groups)


def test_groups_need_a_table(folder: Path) -> None:
    with pytest.raises(InputError, match="the groups 'photo' need a table of texts"):
        items_from_files(folder, groups="photo")
