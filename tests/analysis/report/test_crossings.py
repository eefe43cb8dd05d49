"""Two modalities against each other, under each rule beside the others."""

from __future__ import annotations

from analysis.report.contents import Query
from analysis.report.crossings import Crossing, crossing_figure
from tests.analysis.report.rows import checkpoint, pair, target

QUERY = Query("pairs_across_in_full", "SELECT 1")
A, B = checkpoint(1, "a"), checkpoint(2, "b")
X, Y = checkpoint(3, "x", "language"), checkpoint(4, "y", "language")
MAIN = Crossing(target(), (pair(A, X, 0.5), pair(B, X, 0.8), pair(A, Y, 0.6), pair(B, Y, 0.9)), QUERY)
STRICT = Crossing(
    target(target_id=2, name="six/strict", recipe="exclude:word,raw"),
    (pair(A, X, 0.2), pair(B, X, 0.3)),
    QUERY,
)
STATUS = {1: "ready", 2: "ready", 3: "ready", 4: "ready"}


def figure(*crossings: Crossing):  # type: ignore[no-untyped-def]
    found = crossing_figure(crossings, [A, B, X, Y], STATUS, ("vision", "language"), slug="pictures-x-words")
    assert found is not None
    return found


def test_every_rule_has_its_panel_with_a_cell_for_every_pair() -> None:
    values = figure(MAIN, STRICT).spec["data"]["values"]
    assert len(values) == len(figure(MAIN, STRICT).sheet.rows) == 8
    assert figure(MAIN, STRICT).spec["facet"]["column"]["sort"] == [
        "all neighbours",
        "without neighbours related by word",
    ]


def test_rows_and_columns_keep_the_order_of_the_first_rule_in_all_panels() -> None:
    encoding = figure(MAIN, STRICT).spec["spec"]["encoding"]
    assert encoding["y"]["scale"]["domain"] == ["b", "a"]
    assert encoding["x"]["scale"]["domain"] == ["y", "x"]


def test_one_rule_has_one_panel_and_no_column_for_it() -> None:
    alone = figure(MAIN)
    assert "facet" not in alone.spec
    assert "rule" not in [field.key for field in alone.sheet.fields]
    assert "rule" in [field.key for field in figure(MAIN, STRICT).sheet.fields]


def test_a_pair_that_one_rule_lacks_says_so_in_its_panel_alone() -> None:
    missing = [row for row in figure(MAIN, STRICT).sheet.rows if row.get("score") is None]
    assert {(row["rule"], row["left"], row["right"]) for row in missing} == {
        ("without neighbours related by word", "a", "y"),
        ("without neighbours related by word", "b", "y"),
    }
    assert {row["note"] for row in missing} == {"not computed yet: cavewall align run"}


def test_the_table_has_interval_p_and_lift() -> None:
    (row,) = (row for row in figure(MAIN).sheet.rows if row["score"] == 0.9)
    assert (row["interval"], row["p"]) == ("[0.880, 0.920]", 0.05)
    assert row["lift"] == 0.9 / 0.4


def test_no_score_is_no_figure() -> None:
    nothing = Crossing(target(), (), QUERY)
    assert crossing_figure([nothing], [A, X], STATUS, ("vision", "language"), slug="s") is None
    assert crossing_figure([MAIN], [A, B], STATUS, ("vision", "language"), slug="s") is None
