from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cavewall import rendering
from cavewall.rendering import Column

MOMENT = datetime(2026, 11, 24, 2, 31, tzinfo=UTC)
ROWS = [
    {"name": "dinov2-b", "score": 0.16149, "count": 86_600_000, "at": MOMENT, "parts": ["a", "b"]},
    {"name": "a, \"b\" | c", "score": None, "count": 7, "at": None, "parts": []},
]  # fmt: skip
COLUMNS = [
    Column("name"),
    Column("score", "s", "score", blank="·"),
    Column("count", kind="count"),
    Column("at"),
    Column("parts"),
]


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.delenv("COLUMNS", raising=False)


def test_json_names_its_schema_and_keeps_utc() -> None:
    text = rendering.json_text("thing", ROWS, ["careful"])
    envelope = json.loads(text)
    assert list(envelope) == ["schema", "data", "warnings"]
    assert envelope["schema"] == "cavewall/thing@1"
    assert envelope["warnings"] == ["careful"]
    assert envelope["data"][0]["at"] == "2026-11-24T02:31:00Z"
    assert envelope["data"][0]["score"] == 0.16149


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_finite_number_is_null_in_json(value: float) -> None:
    assert rendering.plain({"score": value, "list": [value, 1.5]}) == {"score": None, "list": [None, 1.5]}


def test_jsonl_is_one_object_a_line() -> None:
    lines = rendering.jsonl_text(ROWS).splitlines()
    assert [json.loads(line)["name"] for line in lines] == ["dinov2-b", 'a, "b" | c']


def test_csv_quotes_what_needs_it_and_leaves_nothing_for_null() -> None:
    assert rendering.csv_text(ROWS, COLUMNS).splitlines() == [
        "name,score,count,at,parts",
        'dinov2-b,0.16149,86600000,2026-11-24T02:31:00Z,"[""a"", ""b""]"',
        '"a, ""b"" | c",,7,,[]',
    ]


def test_markdown_escapes_bars_and_aligns_numbers_right() -> None:
    lines = rendering.markdown_text(ROWS, COLUMNS[:3]).splitlines()
    assert lines[0] == "| name | s | count |"
    assert lines[1] == "|---|---:|---:|"
    assert lines[3] == '| a, "b" \\| c | · | 7 |'


def test_table_aligns_numbers_and_says_why_a_cell_is_empty() -> None:
    lines = rendering.table_text(ROWS, COLUMNS[:3]).splitlines()
    assert lines == [
        "name             s        count",
        "dinov2-b     0.161   86,600,000",
        'a, "b" | c       ·            7',
    ]


def test_table_never_cuts_a_name_where_there_is_no_terminal() -> None:
    name = "timm:" + "x" * 400
    assert name in rendering.table_text([{"name": name}], [Column("name")])


def test_table_keeps_to_the_columns_that_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    lines = rendering.table_text([{"name": "x" * 40}], [Column("name")]).splitlines()
    assert lines[1] == "x" * 19 + "…"


def test_square_brackets_in_a_cell_are_text() -> None:
    assert "[bold]" in rendering.table_text([{"name": "[bold]"}], [Column("name")])


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (1500, "1.5 kB"), (16_500_000, "16.5 MB"), (412_000_000_000, "412 GB")],
)
def test_sizes_read_as_people_write_them(count: int, text: str) -> None:
    assert rendering.byte_text(count) == text


def test_one_of_a_thing_is_no_plural() -> None:
    assert rendering.plural(1, "pair") == "1 pair"
    assert rendering.plural(1359, "layer pair") == "1,359 layer pairs"


def test_counts_leave_out_the_zeros() -> None:
    assert rendering.counts_text({"added": 3, "unchanged": 1, "failed": 0}) == "added 3, unchanged 1"
    assert rendering.counts_text({"added": 0}) == "nothing to do"


def test_paths_and_numpy_numbers_are_plain_json() -> None:
    import numpy as np

    assert rendering.plain({"path": Path("a/b"), "n": np.int64(3), "x": np.float32(0.5)}) == {
        "path": "a/b",
        "n": 3,
        "x": 0.5,
    }
