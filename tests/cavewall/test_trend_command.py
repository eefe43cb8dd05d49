"""`cavewall trend vtab`: what it prints, what it saves, what it refuses."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from analysis.snapshot import build_snapshot
from registry.handle import Registry
from tests.analysis.trends.planted import plant_scores
from tests.analysis.trends.test_vtab import plant
from tests.cavewall.conftest import Call


@pytest.fixture
def planted(zoo: Registry) -> Registry:
    plant(zoo, f={"one": 0.3})
    return zoo


def test_the_table_says_means_verdicts_and_what_is_left_out(call: Call, planted: Registry) -> None:
    result = call("trend", "vtab")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith(
        "Alignment within bins of tiny-tasks tasks solved (of 4, at 0.8 x the best of 9"
    )
    assert "vision, 6 checkpoints of 5 families" in lines
    (top,) = (line.split() for line in lines if line.startswith("  4 ") and " 0.600 " in line)
    assert top[:6] == ["4", "3", "3", "0.600", "0.000", "0.556"]
    assert "one checkpoint has no pair" in result.stdout
    assert "  top (4) minus bottom (1): excess +0.333, p " in result.stdout
    assert "no pair at the top or the bottom without siblings" in result.stdout
    assert "  pairs: Mantel r " in result.stdout
    assert "  not judged: fewer than two bins have a pair" in lines
    assert "left out: easy: chance 0.900 already counts as solved, from 0.800" in lines
    assert "left out: 1 checkpoint (--missing lists them, and why)" in lines
    assert "  of language with x, z" in lines
    assert "warning: vision: 6 checkpoints of 5 families" in result.stderr


def test_missing_lists_who_lacks_what(call: Call, planted: Registry) -> None:
    result = call("trend", "vtab", "--missing")
    assert "left out: f (vision) lacks 4 of 5 tasks: easy, four, three, two" in result.stdout


def test_json_holds_the_whole_answer(call: Call, planted: Registry) -> None:
    envelope = json.loads(call("trend", "vtab", "--format", "json", "--modality", "vision").stdout)
    assert envelope["schema"] == "cavewall/trend-vtab@1"
    data = envelope["data"]
    assert set(data) == {
        "accuracy_chance", "battery", "bins", "checkpoints", "groups", "is_stale", "left_out", "modalities",
        "points", "predictor", "reference", "snapshot", "snapshot_at", "solved_at", "target", "tasks",
    }  # fmt: skip
    (vision,) = data["modalities"]
    assert vision["excess_difference"] == pytest.approx(0.3 / 0.9)
    assert data["left_out"][0]["tasks"] == ["easy", "four", "three", "two"]
    assert len(envelope["warnings"]) == 1


def test_csv_holds_the_bins(call: Call, planted: Registry) -> None:
    rows = list(
        csv.DictReader(io.StringIO(call("trend", "vtab", "--edges", "0,2,4", "--format", "csv").stdout))
    )
    assert [(row["modality"], row["bin"], row["checkpoints"]) for row in rows] == [
        ("vision", "0-1", "3"), ("vision", "2-4", "3"), ("language", "0-1", "2"), ("language", "2-4", "1"),
    ]  # fmt: skip
    assert float(rows[1]["score"]) == pytest.approx(0.6)
    assert rows[3]["score"] == ""


def test_figures_and_rows_are_saved_side_by_side(call: Call, planted: Registry, tmp_path: Path) -> None:
    names = [tmp_path / f"fig{suffix}" for suffix in (".svg", ".png", ".html", ".csv")]
    result = call("trend", "vtab", *(part for name in names for part in ("--save", name)))
    assert result.exit_code == 0
    for name in names:
        assert f"wrote {name}, {name.with_stem('fig-scatter')}" in result.stderr
        assert name.stat().st_size > 200
        assert name.with_stem("fig-scatter").stat().st_size > 200
    assert (tmp_path / "fig.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((tmp_path / "fig-scatter.csv").open()))
    assert {row["name"]: row["kind"] for row in rows}["pixels"] == "baseline"


def test_a_stale_snapshot_is_a_warning(call: Call, planted: Registry) -> None:
    call("checkpoint", "retire", "e", "--reason", "test", "--yes")
    assert "warning: snapshot 1 is older than the registry" in call("trend", "vtab").stderr


def refusal(call: Call, *arguments: object) -> str:
    result = call("trend", "vtab", *arguments)
    assert result.stdout == ""
    assert result.exit_code in (1, 2)
    return result.stderr


def test_what_cannot_be_saved_is_refused_before_anything_is_read(call: Call, zoo: Registry) -> None:
    error = refusal(call, "--save", "fig.gif")
    assert "a trend cannot be saved as '.gif'" in error
    assert ".png .svg .pdf .html .csv" in error


def test_options_that_contradict_or_mean_nothing_are_refused(call: Call, planted: Registry) -> None:
    assert "both --bins and --edges" in refusal(call, "--bins", "3", "--edges", "0,4")
    assert "'0,x' is no list of edges" in refusal(call, "--edges", "0,x")
    assert "edges must rise from 0 to 4" in refusal(call, "--edges", "0,3")
    assert "4 tasks make 1 to 5 bins, not 9" in refusal(call, "--bins", "9")
    assert "--solved-at" in refusal(call, "--solved-at", "0")


def test_a_choice_that_has_to_be_made_is_listed(call: Call, planted: Registry) -> None:
    plant_scores(planted, {"a": {"one": 0.5}, "b": {"one": 0.6}}, battery="other")
    build_snapshot(planted)
    assert "choose one: --battery other | tiny-tasks" in refusal(call)


def test_an_empty_zoo_is_told_what_is_missing(call: Call, zoo: Registry) -> None:
    assert "cavewall snapshot build" in refusal(call)
    build_snapshot(zoo)
    error = refusal(call)
    assert "snapshot 1 has no battery of tasks" in error
    assert "cavewall score define --help" in error
