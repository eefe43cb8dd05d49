from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from cavewall.commands.target import add
from cavewall.metric_text import all_metrics, parameters_text
from compute.catalogue import METRICS
from tests.cavewall.conftest import Call


def test_list_fits_a_hundred_columns_and_names_every_metric(
    call: Call, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    result = call("metric", "list")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 100
    assert [line.split()[0] for line in lines[1:] if not line.startswith(" ")] == list(METRICS)
    assert len(lines) <= 2 * len(METRICS) + 2
    assert "cavewall metric show NAME" in result.stderr


def test_list_in_json_has_everything(call: Call, nowhere: Path) -> None:
    rows = {row["name"]: row for row in json.loads(call("metric", "list", "--format", "json").stdout)["data"]}
    assert list(rows) == list(METRICS)
    mutual, cycle, rbf = rows["mutual_knn"], rows["cycle_knn"], rows["cka_rbf"]
    assert (mutual["low"], mutual["high"], mutual["has_interval"], mutual["has_crossfit"]) == (
        0,
        1,
        True,
        True,
    )
    assert (cycle["symmetric"], mutual["symmetric"]) == (False, True)
    assert [part["name"] for part in rbf["parameters"]] == ["sigma", "unit"]
    assert rbf["similarities"] == ["cosine", "inner", "euclidean"]
    assert all(row["formula"] and row["source"] and row["invariant"] for row in rows.values())
    assert [name for name, row in rows.items() if row["faithful"]] == [
        name for name in METRICS if name.endswith("_prh")
    ]


def test_sheets_hold_parameters_as_text(call: Call, nowhere: Path) -> None:
    lines = call("metric", "list", "--format", "csv").stdout.splitlines()
    assert lines[0].startswith("name,measures,range,chance,symmetric,parameters")
    assert '"sigma=1, unit=median"' in next(line for line in lines if line.startswith("cka_rbf,"))


def test_show_says_everything_about_one(call: Call, nowhere: Path) -> None:
    result = call("metric", "show", "cycle_knn")
    assert result.exit_code == 0
    assert "no: both directions are kept" in result.stdout
    assert "k=10  how many neighbours count" in result.stdout
    assert json.loads(call("metric", "show", "rsa", "--format", "json").stdout)["data"]["chance"] == "0"


def test_show_of_a_misspelt_metric_suggests_the_nearest(call: Call, nowhere: Path) -> None:
    result = call("metric", "show", "mutual_nn")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no metric 'mutual_nn'" in result.stderr
    assert "did you mean mutual_knn" in result.stderr


def test_the_table_of_the_page_is_the_catalogue() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    for facts in all_metrics():
        direction = "yes" if facts["symmetric"] else "no"
        parameters = parameters_text(facts) or "-"
        row = f"| {facts['range']} | {facts['chance']} | {direction} | {parameters} | {facts['cost']} |"
        assert f"| `{facts['name']}` | {facts['measures']} {row}" in lines


def test_every_target_of_the_page_can_be_read(nowhere: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"
    lines = page.read_text(encoding="utf-8").splitlines()
    added = [line.removeprefix("$ cavewall target add ") for line in lines if "target add --dataset" in line]
    assert len(added) == 3
    for words in map(shlex.split, added):
        add.make_context("add", words)  # raises UsageError if it cannot be read


def test_the_readme_shows_what_the_list_says(
    call: Call, nowhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    said = call("metric", "list").stdout.splitlines()
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")
    block = readme.partition("$ cavewall metric list")[2].partition("```")[0].splitlines()[1:]
    shown = [line for line in block if not line.startswith("$")]
    assert len(shown) >= 10
    assert all(line in said for line in shown)
