"""The trend's two figures hold the trend's rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
import vl_convert

from analysis.trends.figures import bars, scatter
from analysis.trends.vtab import VtabTrend, vtab_trend
from registry.handle import Registry
from tests.analysis.trends.test_vtab import plant


@pytest.fixture
def trend(sqlite_registry: Registry) -> VtabTrend:
    plant(sqlite_registry)
    return vtab_trend(sqlite_registry)


def test_bars_hold_every_bin_and_say_what_was_judged(trend: VtabTrend) -> None:
    spec = bars(trend)
    rows = {(row["panel"], row["bin"]): row for row in spec["data"]["values"]}
    assert len(rows) == len(trend.bins)
    for line in trend.bins:
        row = rows[line.modality, line.bin]
        assert (row["value"], row["se"], row["other"], row["note"]) == (
            line.score, line.score_se, line.score_last, line.why,
        )  # fmt: skip
    assert rows["vision", "4"]["counts"] == "3 checkpoints, 3 pairs"
    assert rows["vision", "0"]["chance"] == pytest.approx(0.1)
    said = " ".join(spec["title"]["subtitle"])
    assert "excess of 4 over 0 +0.444, p 0.024" in said
    assert "language: not judged, fewer than two bins have a pair" in said


def test_the_scatter_holds_every_point_with_its_kind(trend: VtabTrend) -> None:
    spec = scatter(trend)
    rows = {row["name"]: row for row in spec["data"]["values"]}
    assert len(rows) == len(trend.points) == 10
    for point in trend.points:
        row = rows[point.name]
        assert (row["x"], row["y"], row["y_se"]) == (point.accuracy, point.score, point.score_se)
    assert [rows[name]["kind"] for name in ("a", "z", "f", "pixels")] == [
        "trained", "a training run", "untrained", "raw inputs, counted words",
    ]  # fmt: skip
    assert rows["a"]["panel"] == "vision with 2 language checkpoints"
    assert "No fit is claimed below 10 families: vision has 6, language has 2." in " ".join(
        spec["title"]["subtitle"]
    )
    assert (rows["y"]["trail"], rows["a"]["trail"]) == ("run", "")


def test_points_without_a_value_are_counted_and_not_drawn(trend: VtabTrend) -> None:
    points = tuple(replace(point, score=None) if point.name == "a" else point for point in trend.points)
    spec = scatter(replace(trend, points=points))
    assert "a" not in {row["name"] for row in spec["data"]["values"]}
    assert "1 of 10 points are not drawn: no value." in " ".join(spec["title"]["subtitle"])
    with pytest.raises(ValueError, match="found 0"):
        scatter(replace(trend, points=()))


def test_both_are_drawn_with_their_lines_of_chance(trend: VtabTrend) -> None:
    assert ">0.100<" in vl_convert.vegalite_to_svg(bars(trend))
    text = vl_convert.vegalite_to_svg(scatter(trend)).replace("\u00a0", " ")
    assert ">chance, best layer pair 0.100<" in text
    assert ">chance, one layer pair 0.400<" in text
    assert ">chance 0.10<" in text
