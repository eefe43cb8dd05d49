from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from registry.handle import Registry
from tests.cavewall.conftest import Call

NAMES = "select name from checkpoints order by checkpoint_id"


@pytest.fixture
def asked(call: Call, small_zoo: Registry) -> Call:
    assert call("snapshot", "build").exit_code == 0
    return call


def test_rows_are_on_stdout_and_their_origin_on_stderr(asked: Call) -> None:
    result = asked("sql", NAMES)
    assert result.exit_code == 0
    assert result.stdout == "name\npixels\nwords\ncoarse\n"
    assert result.stderr.startswith("3 rows, ")
    assert "snapshot 1 of " in result.stderr
    assert result.stderr.endswith(", current\n")


def test_every_form_holds_the_same_rows(asked: Call, tmp_path: Path) -> None:
    envelope = json.loads(asked("sql", NAMES, "--format", "json").stdout)
    assert envelope["schema"] == "cavewall/sql@1"
    expected = [{"name": "pixels"}, {"name": "words"}, {"name": "coarse"}]
    assert envelope["data"] == expected
    assert [
        json.loads(line) for line in asked("sql", NAMES, "--format", "jsonl").stdout.splitlines()
    ] == expected
    assert list(csv.DictReader(io.StringIO(asked("sql", NAMES, "--format", "csv").stdout))) == expected
    path = tmp_path / "names.parquet"
    assert asked("sql", NAMES, "-o", path).stdout == ""
    assert pq.read_table(path).to_pylist() == expected


def test_parquet_keeps_the_types_of_the_question(asked: Call, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    asked("sql", "select 1::utinyint as small, null::double as nothing where false", "-o", path)
    assert [str(field.type) for field in pq.read_schema(path)] == ["uint8", "double"]


def test_question_comes_from_a_file_or_stdin_with_parameters(asked: Call, tmp_path: Path) -> None:
    path = tmp_path / "q.sql"
    path.write_text("select $k + 1 as next, $word as word")
    result = asked("sql", "-f", path, "-p", "k=10", "-p", "word=a=b", "--format", "jsonl")
    assert json.loads(result.stdout) == {"next": 11, "word": "a=b"}
    assert asked("sql", "-", stdin="select 5 as five").stdout == "five\n   5\n"
    assert asked("sql", stdin="select 5 as five").stdout == "five\n   5\n"


def test_columns_called_alike_are_both_kept(asked: Call) -> None:
    result = asked("sql", "select 1 as a, 2 as a, 3 as a_1", "--format", "jsonl")
    assert json.loads(result.stdout) == {"a": 1, "a_1": 2, "a_1_1": 3}


def test_stale_snapshot_is_a_warning_in_every_form(asked: Call) -> None:
    asked("checkpoint", "retire", "words", "--reason", "test", "--yes")
    result = asked("sql", NAMES, "--format", "json")
    (warning,) = json.loads(result.stdout)["warnings"]
    assert "cavewall snapshot build" in warning
    assert f"warning: {warning}" in result.stderr


def test_schema_explains_every_column(call: Call, nowhere: Path) -> None:
    rows = json.loads(call("sql", "--schema", "--format", "json").stdout)["data"]
    assert {"alignment", "checkpoints", "targets"} <= {row["view"] for row in rows}
    assert all(row["meaning"] for row in rows)


def test_schema_explains_the_functions_that_a_question_may_use(call: Call, nowhere: Path) -> None:
    rows = json.loads(call("sql", "--schema", "--format", "json").stdout)["data"]
    assert [(row["column"], row["type"]) for row in rows if row["view"] == "(function)"] == [
        ("bh_threshold(p_values, q)", "DOUBLE"),
        ("by_threshold(p_values, q)", "DOUBLE"),
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "reason"),
    [
        (("select nope",), 2, "nope"),
        (("select 1; select 2",), 2, "expected one statement, found 2"),
        (("copy (select 1) to 'x.csv'",), 2, "COPY is not allowed"),
        (("select 1", "-p", "k"), 2, "NAME=VALUE"),
        (("select 1", "-f", "x.sql"), 2, "leave one of them out"),
        (("-f", "no-such.sql"), 1, "no-such.sql cannot be read"),
        (("select 1", "--snapshot", "nobody"), 1, "no snapshot is kept as 'nobody'"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    asked: Call, arguments: tuple[str, ...], code: int, reason: str
) -> None:
    result = asked("sql", *arguments)
    assert result.exit_code == code
    assert result.stdout == ""
    assert reason in result.stderr
    assert not Path("x.csv").exists()


def test_slow_question_is_stopped(asked: Call) -> None:
    result = asked("sql", "select count(*) from range(10000000) a, range(10000000) b", "--timeout", "0.2")
    assert result.exit_code == 1
    assert "longer than 0.2 s" in result.stderr


def test_zoo_without_a_snapshot_names_what_makes_one(call: Call, zoo: Registry) -> None:
    result = call("sql", "select 1")
    assert result.exit_code == 1
    assert "cavewall snapshot build" in result.stderr


def test_people_see_the_first_thousand_rows(asked: Call) -> None:
    result = asked("sql", "select range as number from range(1500)")
    assert len(result.stdout.splitlines()) == 1001
    assert "the first 1,000 of 1,500 rows" in result.stderr
    assert len(asked("sql", "from range(1500)", "--format", "csv").stdout.splitlines()) == 1501
