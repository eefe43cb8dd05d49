"""The layer profile has a point for each layer, in their order, and a line at chance."""

from __future__ import annotations

from typing import Any

import pytest
import vl_convert

from analysis.figures.profile import LayerValue, layer_profile

LAYERS = [
    LayerValue(number, f"block.{number}", value, f"block {number}")
    for number, value in enumerate((0.05, 0.13, 0.1))
]


def spec(layers: list[LayerValue] = LAYERS, **changed: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "question": "Which layer is nearest?",
        "subtitle": ["with minilm"],
        "value_title": "alignment",
        "chance": 0.01,
        "highest": 0.2,
    }
    return layer_profile(layers, **(options | changed))


def marks(drawn: str) -> int:
    return drawn.partition("rows_marks")[2].partition("</g>")[0].count("<path")


def test_each_layer_is_one_mark() -> None:
    assert marks(vl_convert.vegalite_to_svg(spec())) == 3
    assert marks(vl_convert.vegalite_to_svg(spec(LAYERS[:1]))) == 1


def test_the_line_of_chance_is_drawn_only_where_chance_is_known() -> None:
    assert ">chance<" in vl_convert.vegalite_to_svg(spec())
    assert ">chance<" not in vl_convert.vegalite_to_svg(spec(chance=None))


def test_the_axis_ends_where_it_was_asked_to() -> None:
    assert spec()["encoding"]["y"]["scale"]["domain"] == [0, 0.2]


def test_the_figure_is_told_in_words() -> None:
    told = spec()["description"]
    for part in ("3 layers", "highest 0.130 at layer 1 (block.1)", "last 0.100 (block.2)", "chance at 0.010"):
        assert part in told


def test_no_layer_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        spec([])
