"""The scatter: a mark for each row, names that are written, kinds told by shape too, lines at chance."""

from __future__ import annotations

import re
from typing import Any

import pytest
import vl_convert

from analysis.figures.scatter import Dot, scatter
from analysis.figures.scatter_layers import Line

KINDS = ("trained", "a training run", "untrained", "raw")
DOTS = [
    Dot("pictures", "lite0", "trained", 0.64, 0.09, 0.005, 0.012),
    Dot("pictures", "pixels", "raw", 0.55, 0.057, 0.006, 0.012),
    Dot("words", "names 0", "a training run", 0.49, 0.048, None, 0.011, trail="names"),
    Dot("words", "names 600", "a training run", 0.6, 0.047, None, 0.011, trail="names"),
    Dot("words", "minilm", "trained", 0.75, 0.131, 0.007, 0.011),
    Dot("words", "blank", "untrained", 0.59, 0.066, 0.005, 0.011),
]


def spec(dots: list[Dot] = DOTS, **changed: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "kinds": KINDS,
        "question": "Are the better ones closer?",
        "subtitle": ["mutual-kNN, k = 10"],
        "x_title": "accuracy",
        "y_title": "alignment",
        "across": Line(0.010, "one layer pair 0.010"),
        "upright": Line(0.48, "chance 0.48"),
    }
    return scatter(dots, **(options | changed))


def drawn(**changed: Any) -> str:
    return str(vl_convert.vegalite_to_svg(spec(**changed))).replace("\u00a0", " ")


def test_names_panels_titles_kinds_and_lines_are_drawn_whole() -> None:
    text = drawn()
    for word in (*(dot.name for dot in DOTS), *KINDS, "pictures", "words", "accuracy", "alignment"):
        assert f">{word}<" in text, word
    for word in ("chance 0.012", "chance 0.011"):
        assert text.count(f">{word}<") == 1, word
    for word in ("one layer pair 0.010", "chance 0.48"):  # once in each panel, not once for each point
        assert text.count(f">{word}<") == 2, word
    assert "…" not in text


def test_there_is_one_mark_for_each_row() -> None:
    assert drawn().count('aria-roledescription="point"') == len(DOTS)


def test_each_kind_has_a_shape_and_a_colour_of_its_own() -> None:
    points = next(layer for layer in spec()["spec"]["layer"] if layer.get("name") == "rows")
    for channel in ("color", "shape"):
        scale = points["encoding"][channel]["scale"]
        assert scale["domain"] == list(KINDS)
        assert len(set(scale["range"])) == len(KINDS)


def test_every_point_and_whisker_lies_inside_the_axes() -> None:
    points = next(layer for layer in spec()["spec"]["layer"] if layer.get("name") == "rows")
    left, right = points["encoding"]["x"]["scale"]["domain"]
    low, high = points["encoding"]["y"]["scale"]["domain"]
    assert low == 0.0
    for row in spec()["data"]["values"]:
        assert left < row["x"] < right
        assert low <= (row["low"] or row["y"]) < (row["high"] or row["y"] + 1e-9) < high


def test_an_alignment_below_zero_is_not_cut_off() -> None:
    points = next(
        layer
        for layer in spec([Dot("p", "a", "raw", 0.5, -0.02, 0.01)])["spec"]["layer"]
        if layer.get("name") == "rows"
    )
    assert points["encoding"]["y"]["scale"]["domain"][0] < -0.03


def test_whiskers_are_drawn_only_where_there_is_an_error() -> None:
    assert [row["name"] for row in spec()["data"]["values"] if row["low"] is None] == ["names 0", "names 600"]


def test_names_are_in_the_table_even_where_there_was_no_room() -> None:
    dots = [Dot("p", "n" * 90 + str(number), "raw", 0.5, 0.1) for number in range(3)]
    values = spec(dots)["data"]["values"]
    assert [row["label_x"] for row in values] == [None] * 3
    assert {row["name"] for row in values} == {dot.name for dot in dots}


def test_quotes_in_what_chance_is_called_are_drawn_as_they_are() -> None:
    assert re.search(
        r">chance &quot;best&quot; it's 0\.012<|>chance \"best\" it's 0\.012<",
        drawn(chance_words='chance "best" it\'s'),
    )


def test_the_figure_is_told_in_words() -> None:
    description = spec()["description"]
    for part in ("Are the better ones closer?", "6 points", "0.047 (names 600)", "0.131 (minilm)"):
        assert part in description


def test_no_points_and_unknown_kinds_are_refused() -> None:
    with pytest.raises(ValueError, match="found 0"):
        spec([])
    with pytest.raises(ValueError, match="'odd'"):
        spec([Dot("p", "a", "odd", 0.1, 0.1)])
