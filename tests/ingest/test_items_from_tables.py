"""Items from the columns of tables: what is what, in which order, and what is refused."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.items_from_columns import Choice
from ingest.items_from_tables import ReadItems, items_of_table
from ingest.pictures import encode_png
from ingest.table_files import FileTable, open_table
from registry.errors import InputError, UsageError

PICTURES = [
    encode_png(pixels) for pixels in np.random.default_rng(0).integers(0, 256, (3, 4, 5, 3), dtype=np.uint8)
]


def read(path: Path, text: str, choice: Choice | None = None) -> ReadItems:
    path.write_text(text, encoding="utf-8")
    return items_of_table(open_table(path), choice or Choice())


def parquet(path: Path, columns: dict[str, object], choice: Choice | None = None) -> ReadItems:
    pq.write_table(pa.table(columns), path)
    return items_of_table(open_table(path), choice or Choice())


def test_columns_are_chosen_and_the_rest_is_kept_beside(tmp_path: Path) -> None:
    text = "nr,word,photo,kind,note\n2,two,g,p,\n1,one,g,q,7 %\n"
    items = read(tmp_path / "t.csv", text, Choice(id="nr", texts=("word",), group="photo")).items
    assert (items.ids, items.texts, items.group_ids) == (["2", "1"], [["two"], ["one"]], ["g", "g"])
    assert items.extra == {"kind": ["p", "q"], "note": ["", "7 %"]}


def test_covariates_can_be_restricted(tmp_path: Path) -> None:
    text = "id,text,kind,note\na,x,p,1\nb,y,q,2\n"
    assert read(tmp_path / "t.csv", text, Choice(covariates=("note",))).items.extra == {"note": ["1", "2"]}
    assert read(tmp_path / "t.csv", text, Choice(covariates=())).items.extra == {}


def test_captions_come_row_by_row_in_the_order_of_the_columns(tmp_path: Path) -> None:
    text = "id,short,long\na,s1,l1\nb,s2,l2\na,s3,l3\n"
    items = read(tmp_path / "t.csv", text, Choice(texts=("long", "short"))).items
    assert items.texts == [["l1", "s1", "l3", "s3"], ["l2", "s2"]]


def test_a_list_of_texts_has_several_captions(tmp_path: Path) -> None:
    rows = [{"id": 1, "text": ["x", "y"]}, {"id": 2, "text": "z"}]
    items = read(tmp_path / "t.jsonl", "\n".join(json.dumps(row) for row in rows)).items
    assert (items.ids, items.texts) == (["1", "2"], [["x", "y"], ["z"]])


def test_parquet_holds_pictures_as_bytes_or_as_structs(tmp_path: Path) -> None:
    (tmp_path / "c.png").write_bytes(PICTURES[2])
    structs = [
        {"bytes": PICTURES[0], "path": "a.png"},
        {"bytes": PICTURES[1], "path": None},
        {"bytes": None, "path": "c.png"},
    ]
    columns = {"image": structs, "text": [["x"], ["y", "z"], ["w"]], "label": [1, 2, 3]}
    found = parquet(tmp_path / "t.parquet", columns)
    assert found.items.images == PICTURES
    assert found.items.texts == [["x"], ["y", "z"], ["w"]]
    assert found.items.extra == {"label": ["1", "2", "3"]}
    assert (found.items.ids[2], len(found.notes)) == ("000002", 1)
    assert parquet(tmp_path / "u.parquet", {"image": PICTURES}).items.images == PICTURES


def test_what_is_no_plain_value_is_left_out_and_said(tmp_path: Path) -> None:
    columns = {"id": ["a", "b"], "text": ["x", "y"], "vector": [[1.0], [2.0]], "kind": ["p", "q"]}
    found = parquet(tmp_path / "t.parquet", columns)
    assert list(found.items.extra) == ["kind"]
    assert found.notes == ("left out, not one plain value an item: vector",)
    asked = parquet(tmp_path / "t.parquet", columns, Choice(covariates=("vector",)))
    assert asked.items.extra == {"vector": ["[1.0]", "[2.0]"]}


def test_the_order_is_that_of_the_file_unless_said(tmp_path: Path) -> None:
    text = "id,text,rank\nc,x,2\na,y,3\nb,z,1\n"
    assert read(tmp_path / "t.csv", text).items.ids == ["c", "a", "b"]
    assert read(tmp_path / "t.csv", text, Choice(sort="id")).items.ids == ["a", "b", "c"]
    assert read(tmp_path / "t.csv", text, Choice(sort="rank", limit=2)).items.ids == ["b", "c"]
    assert read(tmp_path / "t.csv", text, Choice(limit=2)).items.texts == [["x"], ["y"]]


def test_the_first_items_have_all_their_captions(tmp_path: Path) -> None:
    text = "id,text\na,1\nb,2\nc,3\na,4\n"
    items = read(tmp_path / "t.csv", text, Choice(limit=2)).items
    assert (items.ids, items.texts) == (["a", "b"], [["1", "4"], ["2"]])


def test_rows_of_one_item_that_differ_beside_are_said(tmp_path: Path) -> None:
    found = read(tmp_path / "t.csv", "id,text,kind\na,1,p\na,2,q\nb,3,p\n")
    assert found.items.extra == {"kind": ["p", "p"]}
    assert found.notes == ("1 items have rows whose covariates differ: each keeps those of its first row",)


def test_a_million_characters_are_one_text(tmp_path: Path) -> None:
    items = read(tmp_path / "t.csv", f"id,text\na,{'x' * 1_000_000}\nb,y\n").items
    assert items.texts is not None
    assert len(items.texts[0][0]) == 1_000_000


@pytest.mark.parametrize(
    ("text", "choice", "sentence"),
    [
        ("id,txt\na,x\n", Choice(texts=("text",)), "has no column 'text', found id, txt"),
        ("id,txt\na,x\n", Choice(), "has no column of texts or pictures, found id, txt"),
        ("id;text\na;x\n", Choice(), "its columns are not parted by commas"),
        ("id,text,caption\na,x,y\n", Choice(), "columns text and caption: which is meant is not clear"),
        ("ID,text\na,x\n", Choice(), "has no column 'id'"),
        ("id,text\na,x\nb,\n", Choice(), "line 3: the column 'text' is empty"),
        ("id,text\na,x\n ,y\n", Choice(), "line 3: the column 'id' is empty"),
        ("id,text,group_id\na,x,g\nb,y,\n", Choice(), "line 3: the column 'group_id' is empty"),
        ("id,text,group_id\na,x,g\na,y,h\n", Choice(), "item 'a' is in the groups 'g' and 'h'"),
        ("id,text,file_name\na,x,../a.png\n", Choice(), "line 2: .* is not inside"),
        ("id,text,file_name\na,x,/etc/a.png\n", Choice(), "line 2: .* is not inside"),
        ("id,text,file_name\na,x,no.png\n", Choice(), "line 2: .*cannot be read: No such file"),
        ("file_name\na.png\na.jpg\n", Choice(), "a.png and a.jpg have one name without suffix"),
        ("id,file_name\na,a.png\na,a.png\n", Choice(), "line 3: the id 'a' stands there again"),
        ("id,text\na,x\nb,y\n", Choice(limit=3), "has 2 items, asked for 3"),
    ],
)
def test_what_is_wrong_is_one_sentence(tmp_path: Path, text: str, choice: Choice, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "t.csv", text, choice)


def test_a_name_that_is_nearly_right_is_suggested(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refusal:
        read(tmp_path / "t.csv", "id,caption_en\na,x\n", Choice(texts=("caption",)))
    assert refusal.value.hint == "did you mean caption_en ?"


def test_one_column_has_one_meaning(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'text' is asked for twice"):
        read(tmp_path / "t.csv", "id,text\na,x\n", Choice(id="text", texts=("text",)))
    with pytest.raises(UsageError, match="at least 2 items, asked for 1"):
        read(tmp_path / "t.csv", "id,text\na,x\n", Choice(limit=1))


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"id": "b", "text": None}, "line 2: the column 'text' is empty"),
        ({"id": "b", "text": []}, "line 2: the column 'text' is a list with an empty text"),
        ({"id": "b", "text": ["x", None]}, "is a list with an empty text"),
        ({"id": "b", "text": {"raw": "x"}}, "holds dict, expected one text"),
        ({"id": ["b"], "text": "x"}, "the column 'id' holds list"),
        ({"id": "b", "text": "\ud800"}, "holds half of a character"),
        ({"id": "b", "text": "x", "image": 5}, "holds int, expected a picture or its path"),
        ({"id": "b", "text": "x", "image": base64.b64encode(PICTURES[0]).decode()}, "cannot be read"),
    ],
)
def test_cells_that_are_not_what_they_should_be_are_named(
    tmp_path: Path, row: dict[str, object], sentence: str
) -> None:
    (tmp_path / "a.png").write_bytes(PICTURES[0])
    first = {"id": "a", "text": "x", **({"image": "a.png"} if "image" in row else {})}
    with pytest.raises(InputError, match=sentence):
        read(tmp_path / "t.jsonl", f"{json.dumps(first)}\n{json.dumps(row)}\n")


def test_a_column_shorter_than_promised_is_refused(tmp_path: Path) -> None:
    cells = {"id": ["a", "b"], "text": ["x"]}
    table = FileTable(
        "t", tmp_path, {"id": 2, "text": 2}, frozenset(), lambda name, limit: list(cells[name][:limit])
    )
    with pytest.raises(InputError, match="the column 'text' has 1 values, 2 are promised"):
        items_of_table(table, Choice())
