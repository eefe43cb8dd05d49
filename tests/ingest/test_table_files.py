"""Tables from outside: what they hold, and which line is wrong."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ingest.table_files import FileTable, open_table, read_table
from registry.errors import InputError


def write(path: Path, text: str) -> Path:
    path.write_bytes(text.encode())
    return path


def cells(table: FileTable) -> dict[str, list[object]]:
    return {name: table.reader(name, None) for name in table.names}


def test_every_form_gives_the_same_cells(tmp_path: Path) -> None:
    expected = {"id": ["a", "b"], "text": ["x, y", "7 %"], "value": ["12,5", ""]}
    csv = write(tmp_path / "t.csv", 'id,text,value\na,"x, y","12,5"\n\nb,7 %,\n')
    tsv = write(tmp_path / "t.tsv", "id\ttext\tvalue\na\tx, y\t12,5\nb\t7 %\t\n")
    lines = write(
        tmp_path / "t.jsonl",
        '{"id": "a", "text": "x, y", "value": "12,5"}\n\n{"id": "b", "text": "7 %", "value": ""}',
    )
    pq.write_table(pa.table(expected), tmp_path / "t.parquet")
    for path in (csv, tsv, lines, tmp_path / "t.parquet"):
        assert cells(open_table(path)) == expected


def test_a_row_knows_its_line_across_quoted_breaks(tmp_path: Path) -> None:
    table = open_table(write(tmp_path / "t.csv", 'id,text\na,"x\ny"\nb,z\n'))
    assert [table.place(row).rpartition(", ")[2] for row in (0, 1)] == ["line 2", "line 4"]


def test_what_a_json_line_leaves_out_has_no_value(tmp_path: Path) -> None:
    table = open_table(write(tmp_path / "t.jsonl", '{"a": 1}\n{"b": [1]}\n'))
    assert cells(table) == {"a": [1, None], "b": [None, [1]]}
    assert table.plain == {"a"}


def test_a_missing_number_in_parquet_is_no_value(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1.0, float("nan"), None]}), tmp_path / "t.parquet")
    assert cells(open_table(tmp_path / "t.parquet")) == {"a": [1.0, None, None]}


def test_only_so_many_rows_are_read(tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": list(range(5000))}), tmp_path / "t.parquet", row_group_size=100)
    assert open_table(tmp_path / "t.parquet").reader("a", 1500) == list(range(1500))


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("t.csv", b"id,text\na,x\nb,\xe4\n", "line 3 is not UTF-8"),
        ("t.csv", "id,text\n".encode("utf-16"), "line 1 is not UTF-8"),
        ("t.csv", b"id,text,id\na,x,y\n", "has the column 'id' twice"),
        ("t.csv", b"id,,text\na,x,y\n", "column 2 has no name"),
        ("t.csv", b"id,text\na,x\nb,y,z\n", r"line 3: expected 2 fields, found 3"),
        ("t.csv", b'id,text\na,x\nb,"y\n', "line 3: unexpected end of data"),
        ("t.jsonl", b'{"id": "a"}\n{"id": "b", "te', "line 2 is no JSON object"),
        ("t.jsonl", b'{"id": "a"}\n["b"]', "line 2 is no JSON object, found list"),
        ("t.jsonl", b'{"id": NaN}', "line 1 is no JSON object: NaN is no JSON"),
        ("t.jsonl", b'{"id": 1, "id": 2}', "a key stands twice"),
        ("t.jsonl", b"[" * 100_000, "line 1 is no JSON object"),
        ("t.parquet", b"PAR1", "cannot be read as Parquet"),
        ("t.xlsx", b"", "is no table"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=sentence):
        open_table(tmp_path / name)


def test_columns_of_one_name_in_parquet_are_refused(tmp_path: Path) -> None:
    pq.write_table(pa.table([[1], [2]], names=["a", "a"]), tmp_path / "t.parquet")
    with pytest.raises(InputError, match="has the column 'a' twice"):
        open_table(tmp_path / "t.parquet")


def test_a_needed_column_has_a_value_in_every_row(tmp_path: Path) -> None:
    path = write(tmp_path / "t.jsonl", '{"left": "a", "right": 1}\n{"left": "b", "right": null}\n')
    with pytest.raises(InputError, match="line 2: nothing in the column 'right'"):
        read_table(path, ("left", "right"))


def test_another_suffix_is_read_as_said(tmp_path: Path) -> None:
    assert cells(open_table(write(tmp_path / "t.txt", "id\ttext\na\tx\n"), "tsv")) == {
        "id": ["a"],
        "text": ["x"],
    }
