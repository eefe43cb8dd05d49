"""The matrix has a cell for each pair once, and an empty cell says why."""

from __future__ import annotations

from analysis.report.contents import Query
from analysis.report.matrices import MOST, matrix_figure, shown_checkpoints
from tests.analysis.report.rows import checkpoint, pair, target

QUERY = Query("pairs_in_full", "SELECT 1")
A, B = checkpoint(1, "a"), checkpoint(2, "b")
X, BARE = checkpoint(3, "x", "language"), checkpoint(4, "bare", "language")
PAIRS = [pair(A, B, 0.9), pair(A, X, 0.5), pair(B, X, 0.6)]
STATUS = {1: "ready", 2: "ready", 3: "ready", 4: None}


def figure():  # type: ignore[no-untyped-def]
    found = matrix_figure(target(), [A, X, B, BARE], PAIRS, STATUS, QUERY, slug="matrix")
    assert found is not None
    return found


def test_each_pair_stands_once_in_the_drawing_and_in_the_table() -> None:
    values = figure().spec["data"]["values"]
    assert len(values) == len(figure().sheet.rows) == 6
    assert len({frozenset((value["row"], value["column"])) for value in values}) == 6


def test_the_table_has_the_best_first_and_the_missing_last() -> None:
    rows = figure().sheet.rows
    assert [row.get("score") for row in rows] == [0.9, 0.6, 0.5, None, None, None]
    assert {row["note"] for row in rows[3:]} == {"bare has no embedding of six"}


def test_an_empty_cell_tells_why() -> None:
    empty = [value for value in figure().spec["data"]["values"] if value["value"] is None]
    assert len(empty) == 3
    assert all("bare has no embedding of six" in value["tip"] for value in empty)
    assert "the table says why" in figure().caption


def test_modalities_stand_apart_pictures_first() -> None:
    domain = figure().spec["encoding"]["y"]["scale"]["domain"]
    assert domain == ["a", "x", "bare"]  # b, which aligns more with x, is the first column
    gaps = [layer for layer in figure().spec["layer"] if layer["mark"]["type"] == "rule"]
    assert [layer["data"]["values"] for layer in gaps] == [[{"row": "x"}], [{"column": "x"}]]


def test_there_is_no_matrix_without_a_pair() -> None:
    assert matrix_figure(target(), [A, B], [], STATUS, QUERY, slug="m") is None
    assert matrix_figure(target(), [A], PAIRS, STATUS, QUERY, slug="m") is None


def test_of_two_directions_that_from_the_earlier_checkpoint_is_shown() -> None:
    directed = target(is_symmetric=False)
    pairs = [pair(A, B, 0.4), pair(B, A, 0.6), pair(A, X, 0.5)]
    found = matrix_figure(directed, [A, B, X], pairs, STATUS, QUERY, slug="m")
    assert found is not None
    assert [row.get("score") for row in found.sheet.rows] == [0.5, 0.4, None]
    assert "Of two directions" in found.caption


def test_colours_are_said_to_follow_the_root_only_where_no_score_is_negative() -> None:
    found = matrix_figure(target(), [A, B], [pair(A, B, -0.1)], STATUS, QUERY, slug="m")
    assert found is not None
    assert "square root" not in found.caption
    assert "square root" in figure().caption


def test_too_many_checkpoints_leave_those_that_align_most() -> None:
    many = [checkpoint(number, f"n{number:03d}") for number in range(MOST + 20)]
    pairs = [pair(many[0], other, 0.3 + other.checkpoint_id / 1000) for other in many[1:-5]]
    shown = shown_checkpoints(many, target(), pairs)
    assert len(shown) == MOST
    assert many[-1] not in shown  # without a score
    assert many[1] not in shown  # lowest of all
    assert many[-6] in shown
    caption = matrix_figure(target(), many, pairs, {}, QUERY, slug="m").caption  # type: ignore[union-attr]
    assert f"Shown are {MOST} of {MOST + 20} checkpoints" in caption
