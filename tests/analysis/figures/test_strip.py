"""The strip plot has a point for each thing, a lane for each group, and a line at chance."""

from __future__ import annotations

from typing import Any

import pytest
import vl_convert

from analysis.figures.strip import Point, strip

POINTS = [
    Point("trained", "all", 0.13, "lite, minilm"),
    Point("trained", "all", 0.12, "lite1, minilm"),
    Point("trained", "strict", 0.09, "lite, minilm strictly"),
    Point("raw", "all", 0.05, "pixels, tf-idf"),
]


def spec(points: list[Point] = POINTS, **changed: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "groups": ["trained", "raw"],
        "question": "Do they agree?",
        "subtitle": ["six items"],
        "value_title": "alignment",
        "chance": 0.01,
    }
    return strip(points, **(options | changed))


def test_each_thing_is_one_mark() -> None:
    drawn = vl_convert.vegalite_to_svg(spec())
    inside = drawn.partition("rows_marks")[2].partition("</g>")[0]
    assert inside.count("<path") == 4
    for point in POINTS:
        assert point.tip in inside


def test_the_line_of_chance_says_where_it_is() -> None:
    drawn = vl_convert.vegalite_to_svg(spec()).replace("\u00a0", " ")
    assert ">chance 0.010<" in drawn
    assert "chance" not in vl_convert.vegalite_to_svg(spec(chance=None))


def test_a_rule_is_told_by_shape_as_well_as_by_colour() -> None:
    encoding = spec()["layer"][-1]["encoding"]
    assert len(set(encoding["shape"]["scale"]["range"])) == 2
    assert len(set(encoding["color"]["scale"]["range"])) == 2
    assert spec(POINTS[:2])["layer"][-1]["encoding"]["color"]["legend"] is None


def test_groups_keep_their_order() -> None:
    assert spec()["layer"][-1]["encoding"]["y"]["scale"]["domain"] == ["trained", "raw"]


def test_the_figure_is_told_in_words() -> None:
    told = spec()["description"]
    for part in (
        "Do they agree?",
        "4 points",
        "chance at 0.010",
        "trained: 0.120 to 0.130",
        "raw: 0.050 to 0.050",
    ):
        assert part in told


def test_no_point_and_too_many_rules_are_refused() -> None:
    with pytest.raises(ValueError, match="found 0"):
        spec([])
    with pytest.raises(ValueError, match="under 4"):
        spec([Point("g", f"rule {number}", 0.1, "") for number in range(4)])
