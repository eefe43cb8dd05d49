"""A layer profile: one value for each layer of an embedding, first to last, and a line where chance lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.figures.theme import INK, PALE_INK, SCHEMA, config

COLOUR = "#0072b2"  # Okabe and Ito's blue
WIDTH, HEIGHT = 420, 130


@dataclass(frozen=True)
class LayerValue:
    """One layer: its position, counted from 0, its name, its value and what the pointer is told."""

    layer: int
    name: str
    value: float
    tip: str


def layer_profile(
    layers: Sequence[LayerValue],
    *,
    question: str,
    subtitle: Sequence[str],
    value_title: str,
    chance: float | None,
    highest: float,
    lowest: float = 0.0,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of a layer profile.

    Args:
        layers: the layers, in their order.
        question: the figure's title.
        subtitle: what was measured, line by line.
        value_title: what the values are, with their unit.
        chance: where the dashed line stands; None for none.
        highest: upper end of the axis, so that several profiles can be compared.
        lowest: lower end of the axis.

    Raises:
        ValueError: there is no layer.
    """
    if not layers:
        raise ValueError("a layer profile needs at least one layer")
    return {
        "$schema": SCHEMA,
        "description": _description(question, layers, value_title, chance),
        "title": {"text": question, "subtitle": list(subtitle)},
        "usermeta": {
            "title": question,
            "table": [["layer", "layer"], ["name", "name"], ["value", value_title]],
        },
        "data": {"values": [vars(layer) for layer in layers]},
        "width": WIDTH,
        "height": HEIGHT,
        "layer": [*_chance(chance), _line(), _points()],
        "encoding": {
            "x": {
                "field": "layer",
                "type": "ordinal",
                "title": "layer",
                "axis": {"labelAngle": 0, "labelOverlap": "greedy"},
            },
            "y": {
                "field": "value",
                "type": "quantitative",
                "title": None,
                "scale": {"domain": [lowest, highest]},
                "axis": {"tickCount": 4, "grid": True, "gridOpacity": 0.35, "format": ".2f"},
            },
        },
        "config": config(),
    }


def _line() -> dict[str, Any]:
    return {"mark": {"type": "line", "color": COLOUR, "strokeWidth": 2, "aria": False}}


def _points() -> dict[str, Any]:
    return {
        "name": "rows",
        "mark": {"type": "point", "filled": True, "color": COLOUR, "size": 55, "opacity": 1},
        "encoding": {
            "tooltip": {"field": "tip", "type": "nominal"},
            "description": {"field": "tip", "type": "nominal"},
        },
    }


def _chance(chance: float | None) -> list[dict[str, Any]]:
    if chance is None:
        return []
    data = {"values": [{"chance": chance}]}
    where = {"y": {"field": "chance", "type": "quantitative"}, "x": None}
    words = {"type": "text", "align": "left", "dx": 4, "x": "width", "fontSize": 10, "aria": False}
    line = {"type": "rule", "strokeDash": [4, 3], "color": PALE_INK, "aria": False}
    return [
        {"data": data, "mark": line, "encoding": where},
        {"data": data, "mark": words | {"text": "chance", "color": INK}, "encoding": where},
    ]


def _description(question: str, layers: Sequence[LayerValue], value_title: str, chance: float | None) -> str:
    best = max(layers, key=lambda layer: layer.value)
    last = layers[-1]
    parts = [
        f"{question} {value_title.capitalize()} of {len(layers)} layers",
        f"highest {best.value:.3f} at layer {best.layer} ({best.name})",
        f"last {last.value:.3f} ({last.name})",
    ]
    parts += [] if chance is None else [f"a dashed line marks chance at {chance:.3f}"]
    return f"{'; '.join(parts)}."
