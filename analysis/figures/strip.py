"""A strip plot: groups down, values across, one point for each thing, and a line where chance lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.figures.theme import INK, PALE_INK, SCHEMA, TITLE_LETTER_WIDTH, config, wrapped

# Okabe and Ito's blue and vermilion; the shape says the same.
COLOURS, SHAPES = ("#0072b2", "#d55e00", "#009e73"), ("circle", "diamond", "square")
WIDTH, LANE = 560, 16


@dataclass(frozen=True)
class Point:
    """One thing: the group it stands in, the rule (one colour and shape) it was measured under, its value."""

    group: str
    rule: str
    value: float
    tip: str


def strip(
    points: Sequence[Point],
    *,
    groups: Sequence[str],
    question: str,
    subtitle: Sequence[str],
    value_title: str,
    chance: float | None,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of a strip plot.

    Args:
        points: the things, at most three rules among them; rules stand in the order of their first point.
        groups: every group, from the top.
        question: the figure's title.
        subtitle: what was measured, line by line.
        value_title: what the values are, with their unit.
        chance: where the dashed line stands; None for none.

    Raises:
        ValueError: there is no point, or there are more than three rules.
    """
    rules = list(dict.fromkeys(point.rule for point in points))
    if not points or len(rules) > len(COLOURS):
        raise ValueError(
            f"a strip plot needs points under 1 to {len(COLOURS)} rules; "
            f"found {len(points)} under {len(rules)}"
        )
    high = max(point.value for point in points)
    return {
        "$schema": SCHEMA,
        "description": _description(question, subtitle, points, groups, value_title, chance),
        "title": {"text": wrapped(question, (WIDTH + 200) / TITLE_LETTER_WIDTH), "subtitle": list(subtitle)},
        "usermeta": {
            "title": question,
            "table": [["group", "group"], ["rule", "rule"], ["tip", "which"], ["value", value_title]],
        },
        "data": {"values": [vars(point) for point in points]},
        "width": WIDTH,
        "height": {"step": LANE * len(rules) + 10, "for": "position"},
        "layer": [*_chance(chance), _points(rules, groups, value_title, high)],
        "config": config(),
    }


def _points(rules: Sequence[str], groups: Sequence[str], value_title: str, high: float) -> dict[str, Any]:
    domain = {"domain": list(rules)}
    legend = (
        None if len(rules) == 1 else {"title": None, "orient": "bottom", "labelLimit": 0, "symbolSize": 60}
    )
    rule = {"field": "rule", "type": "nominal", "legend": legend}
    axis = {"grid": True, "gridOpacity": 0.35, "format": ".2f" if high >= 0.05 else ".3f", "tickCount": 7}
    group_axis = {"labelLimit": 0, "domain": False, "ticks": False}
    scale = {"domain": list(groups), "paddingInner": 0.25}
    x: dict[str, Any] = {"field": "value", "type": "quantitative", "title": value_title, "axis": axis}
    y: dict[str, Any] = {
        "field": "group",
        "type": "nominal",
        "title": None,
        "scale": scale,
        "axis": group_axis,
    }
    encoding: dict[str, Any] = {
        "x": x | {"scale": {"zero": True}},
        "y": y,
        "color": {**rule, "scale": domain | {"range": list(COLOURS[: len(rules)])}},
        "shape": {**rule, "scale": domain | {"range": list(SHAPES[: len(rules)])}},
        "tooltip": {"field": "tip", "type": "nominal"},
        "description": {"field": "tip", "type": "nominal"},
    }
    if len(rules) > 1:
        encoding["yOffset"] = {"field": "rule", "type": "nominal", "scale": domain}
    return {
        "name": "rows",
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.75},
        "encoding": encoding,
    }


def _chance(chance: float | None) -> list[dict[str, Any]]:
    if chance is None:
        return []
    where = {"x": {"field": "chance", "type": "quantitative"}}
    words = {"type": "text", "align": "left", "dx": 4, "dy": -6, "y": 0, "fontSize": 11, "aria": False}
    line = {"type": "rule", "strokeDash": [4, 3], "color": PALE_INK, "aria": False}
    data = {"values": [{"chance": chance}]}
    return [
        {"data": data, "mark": line, "encoding": where},
        {"data": data, "mark": words | {"text": f"chance {chance:.3f}", "color": INK}, "encoding": where},
    ]


def _description(
    question: str,
    subtitle: Sequence[str],
    points: Sequence[Point],
    groups: Sequence[str],
    value_title: str,
    chance: float | None,
) -> str:
    """Return the figure in words: the range of every group."""
    said = " ".join(line if line.endswith(".") else f"{line}." for line in subtitle)
    parts = [f"{question} {said} Strip plot of {value_title}, {len(points)} points"]
    parts += [] if chance is None else [f"a dashed line marks chance at {chance:.3f}"]
    first = points[0].rule
    for group in groups:
        values = [point.value for point in points if point.group == group and point.rule == first]
        if values:
            parts.append(f"{group}: {min(values):.3f} to {max(values):.3f}")
    return f"{'; '.join(parts)}."
