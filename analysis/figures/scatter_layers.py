"""What a scatter is drawn of, layer by layer: lines, trails, whiskers, points and names."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.figures.theme import INK, PALE_INK

# Okabe and Ito's colours; the shape says the same.
COLOURS = ("#0072b2", "#009e73", "#d55e00", "#cc79a7")
SHAPES = ("circle", "triangle-up", "square", "diamond")
WIDTH, HEIGHT = 400, 320

Ends = tuple[float, float]


@dataclass(frozen=True)
class Line:
    """A line at one value, the same in every panel, with what it says."""

    value: float
    text: str


def _field(name: str) -> dict[str, Any]:
    return {"field": name, "type": "quantitative"}


def points(kinds: Sequence[str], ends: tuple[Ends, Ends], x_title: str, y_title: str) -> dict[str, Any]:
    """Return the points, a shape and a colour for each kind, on axes with the given ends (of x, of y)."""
    domain = list(kinds)
    legend = {"title": None, "orient": "top", "symbolSize": 80, "labelLimit": 0, "offset": 8}
    kind = {"field": "kind", "type": "nominal", "legend": legend}
    axis = {"grid": True, "gridOpacity": 0.35, "tickCount": 6}

    def measure(name: str, title: str, shown: Ends) -> dict[str, Any]:
        scale = {"domain": list(shown), "nice": False, "zero": False}
        return _field(name) | {"title": title, "axis": axis, "scale": scale}

    return {
        "name": "rows",
        "mark": {
            "type": "point",
            "filled": True,
            "size": 85,
            "opacity": 1,
            "stroke": "white",
            "strokeWidth": 1,
        },
        "encoding": {
            "x": measure("x", x_title, ends[0]),
            "y": measure("y", y_title, ends[1]),
            "color": kind | {"scale": {"domain": domain, "range": list(COLOURS[: len(kinds)])}},
            "shape": kind | {"scale": {"domain": domain, "range": list(SHAPES[: len(kinds)])}},
            "tooltip": [
                {"field": "name", "type": "nominal"},
                {"field": "kind", "type": "nominal"},
                _field("x") | {"title": x_title, "format": ".3f"},
                _field("y") | {"title": y_title, "format": ".3f"},
                {"field": "note", "type": "nominal"},
            ],
            "description": {"field": "name", "type": "nominal"},
        },
    }


def whiskers() -> dict[str, Any]:
    """Return a line from one standard error below a point to one above, where it has one."""
    return {
        "transform": [{"filter": "isValid(datum.y_se)"}],
        "mark": {"type": "rule", "strokeWidth": 1.3, "color": PALE_INK, "aria": False},
        "encoding": {"x": _field("x"), "y": _field("low"), "y2": {"field": "high"}},
    }


def trails() -> dict[str, Any]:
    """Join the points of a trail, in their order."""
    mark = {"type": "line", "strokeWidth": 1.2, "color": PALE_INK, "strokeDash": [1, 2], "aria": False}
    return {
        "transform": [{"filter": "datum.trail !== ''"}],
        "mark": mark,
        "encoding": {
            "x": _field("x"),
            "y": _field("y"),
            "order": _field("order"),
            "detail": {"field": "trail", "type": "nominal"},
        },
    }


def leaders() -> dict[str, Any]:
    """Return the lines from points to names that are farther off."""
    ends = {"x2": {"field": "line_x"}, "y2": {"field": "line_y"}}
    return {
        "transform": [{"filter": "isValid(datum.line_x)"}],
        "mark": {"type": "rule", "strokeWidth": 0.8, "color": PALE_INK, "aria": False},
        "encoding": {"x": _field("x"), "y": _field("y"), **ends},
    }


def names() -> dict[str, Any]:
    """Return the names, where they found room."""
    text = {"field": "name", "type": "nominal"}
    return {
        "transform": [{"filter": "isValid(datum.label_x)"}],
        "mark": {"type": "text", "fontSize": 11, "color": INK, "aria": False},
        "encoding": {"x": _field("label_x"), "y": _field("label_y"), "text": text},
    }


def lines(chance_words: str, across: Line | None, upright: Line | None) -> list[dict[str, Any]]:
    """Return each panel's line of chance, and those that all panels share."""
    rule = {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.2, "color": INK, "aria": False}
    words = {"type": "text", "fontSize": 11, "color": INK, "aria": False}
    right = words | {"align": "right", "x": WIDTH}
    once = [
        {"filter": "isValid(datum.chance)"},
        {"aggregate": [{"op": "count", "as": "points"}], "groupby": ["panel", "chance"]},
        {"calculate": f"{json.dumps(chance_words + ' ')} + format(datum.chance, '.3f')", "as": "said"},
    ]
    panel_once = [{"aggregate": [{"op": "count", "as": "points"}], "groupby": ["panel"]}]
    above = right | {"baseline": "bottom", "dy": -3}
    layers = [
        {"transform": once, "mark": rule, "encoding": {"y": _field("chance")}},
        {
            "transform": once,
            "mark": above,
            "encoding": {"y": _field("chance"), "text": {"field": "said", "type": "nominal"}},
        },
    ]
    if across is not None:
        y = {"y": {"datum": across.value}}
        below = right | {"baseline": "top", "dy": 3, "text": across.text}
        layers += [
            {"transform": panel_once, "mark": rule | {"strokeDash": [1, 3]}, "encoding": y},
            {"transform": panel_once, "mark": below, "encoding": y},
        ]
    if upright is not None:
        x = {"x": {"datum": upright.value}}
        top = words | {"align": "left", "baseline": "top", "dx": 4, "y": 2, "text": upright.text}
        layers += [
            {"transform": panel_once, "mark": rule, "encoding": x},
            {"transform": panel_once, "mark": top, "encoding": x},
        ]
    return layers
