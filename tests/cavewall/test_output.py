from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cavewall.output import Output, choose_output
from cavewall.rendering import Column
from registry.errors import UsageError
from registry.handle import Registry
from tests.cavewall.conftest import Call

ROWS = [{"name": "a", "n": 1}, {"name": "b", "n": 2}]
COLUMNS = [Column("name"), Column("n", kind="count")]


@pytest.mark.parametrize(
    ("suffix", "form"), [("csv", "csv"), ("JSON", "json"), ("jsonl", "jsonl"), ("md", "md"), ("txt", "table")]
)
def test_form_follows_the_suffix(suffix: str, form: str) -> None:
    assert choose_output(None, f"x.{suffix}").form == form


def test_form_that_is_said_wins_over_the_suffix() -> None:
    assert choose_output("csv", "x.json").form == "csv"


def test_dash_is_stdout() -> None:
    assert choose_output(None, "-") == Output("table")


def test_suffix_of_no_form_is_refused() -> None:
    with pytest.raises(UsageError, match="is no form of output") as caught:
        choose_output(None, "x.xls")
    assert ".parquet" in caught.value.hint


def test_parquet_holds_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    choose_output(None, str(path)).rows("things", ROWS, COLUMNS)
    assert pq.read_table(path).to_pylist() == ROWS


def test_file_is_replaced_whole_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    choose_output(None, str(path)).rows("things", ROWS, COLUMNS)
    assert path.read_text() == "name,n\na,1\nb,2\n"
    assert list(tmp_path.iterdir()) == [path]


def test_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        choose_output(None, str(tmp_path / "no-such-folder" / "x.csv")).rows("things", ROWS, COLUMNS)


def test_result_in_a_file_leaves_stdout_empty(call: Call, zoo: Registry, tmp_path: Path) -> None:
    result = call("config", "show", "-o", tmp_path / "x.json")
    assert result.exit_code == 0
    assert result.stdout == ""
    assert result.stderr == f"wrote {tmp_path / 'x.json'}\n"
    assert json.loads((tmp_path / "x.json").read_text())["schema"] == "cavewall/config@1"


def test_footer_is_for_people_alone(capsys: pytest.CaptureFixture[str]) -> None:
    Output("table").rows("things", ROWS, COLUMNS, footer="2 rows", warnings=["careful"])
    spoken = capsys.readouterr()
    assert "2 rows" not in spoken.out
    assert spoken.err == "warning: careful\n2 rows\n"
    Output("json").rows("things", ROWS, COLUMNS, footer="2 rows", warnings=["careful"])
    spoken = capsys.readouterr()
    assert json.loads(spoken.out)["warnings"] == ["careful"]
    assert "2 rows" not in spoken.err


def test_no_rows_is_said_to_people_and_empty_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    Output("table").rows("things", [], COLUMNS, empty="no things yet")
    assert capsys.readouterr().out == "no things yet\n"
    Output("jsonl").rows("things", [], COLUMNS, empty="no things yet")
    assert capsys.readouterr().out == ""
    Output("csv").rows("things", [], COLUMNS, empty="no things yet")
    assert capsys.readouterr().out == "name,n\n"
