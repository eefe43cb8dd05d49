"""Bars in bins, a panel for each group of them: a mean with its standard error, and a line at chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.figures.panels import IN_A_ROW, panels
from analysis.figures.theme import INK, LETTER_WIDTH, PALE_INK

BLUE, VERMILLION = "#0072b2", "#d55e00"  # of Okabe and Ito
HEIGHT, NARROWEST_BAR, BAR_SHARE = 240, 66, 0.62
HEADROOM = 1.12  # for the value over the highest bar
TICK_LINES = "slice(split(datum.label, '|'), 1)"  # the first part only puts the bins in order


@dataclass(frozen=True)
class Bar:
    """One bin of a panel.

    Attributes:
        panel: which panel it stands in.
        bin: its label on the axis, unique in its panel; `below` are further lines under it.
        value: how high the bar is; None where there is none, and `note` says why.
        se: standard error of the value, None where there is none.
        other: a second value, drawn as a diamond.
        chance: where the panel's line of chance is drawn, the same for all bars of a panel.
        note: what appears when the pointer rests on it.
    """

    panel: str
    bin: str
    below: tuple[str, ...]
    value: float | None
    se: float | None = None
    other: float | None = None
    chance: float | None = None
    note: str = ""


def bars(
    rows: Sequence[Bar],
    *,
    question: str,
    subtitle: Sequence[str],
    bin_title: str,
    value_title: str,
    other_title: str,
    columns: int = IN_A_ROW,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of bars in bins.

    Panels stand in the order of their first bar, all on one scale.

    Args:
        rows: the bars, those of a panel in the order of its bins.
        question: the figure's title.
        subtitle: what was measured, line by line.
        bin_title: what the bins are of.
        value_title: what the bars show, with their unit.
        other_title: what the diamonds show.
        columns: panels in a row.

    Raises:
        ValueError: there is no bar, or two of one panel and bin.
    """
    if not rows or len({(row.panel, row.bin) for row in rows}) != len(rows):
        raise ValueError(f"bars need rows, one per panel and bin; found {len(rows)}")
    values = [_value(row, order) for order, row in enumerate(rows)]
    step = _bar_width(rows)
    width = step * max(Counter(row.panel for row in rows).values())
    high = max(value["reach"] or 0.0 for value in values)
    low = min(value[field] or 0.0 for value in values for field in ("value", "low", "other"))
    panel = {
        "width": width,
        "height": HEIGHT,
        "encoding": {"x": _axis(bin_title)},
        "layer": [*_bars(value_title, step, (low, high)), _diamonds(), *_words(), *_chance()],
    }
    figure = panels(
        values,
        panel,
        question=question,
        subtitle=subtitle,
        description=_description(question, subtitle, rows, value_title, other_title),
        table={
            "panel": "",
            "bin": bin_title,
            "counts": "of",
            "value": value_title,
            "se": "standard error",
            "other": other_title,
            "chance": "chance",
            "note": "",
        },
        width=width,
        columns=columns,
    )
    return figure | {"resolve": {"scale": {"x": "independent"}}}


def _value(row: Bar, order: int) -> dict[str, Any]:
    reach = None if row.value is None else row.value + (row.se or 0.0)
    return {
        "panel": row.panel,
        "bin": row.bin,
        "counts": ", ".join(row.below),
        "tick": "|".join((f"{order:05d}", row.bin, *row.below)),
        "value": row.value,
        "se": row.se,
        "low": None if row.value is None or row.se is None else row.value - row.se,
        "high": None if row.value is None or row.se is None else row.value + row.se,
        "reach": reach if row.other is None or reach is None else max(reach, row.other),
        "other": row.other,
        "chance": row.chance,
        "text": "none" if row.value is None else f"{row.value:.3f}",
        "note": row.note,
    }


def _bar_width(rows: Sequence[Bar]) -> int:
    longest = max(len(line) for row in rows for line in (row.bin, *row.below))
    return max(NARROWEST_BAR, round(longest * LETTER_WIDTH + 8))


def _axis(title: str) -> dict[str, Any]:
    axis = {"labelExpr": TICK_LINES, "labelAngle": 0, "labelLimit": 0, "labelLineHeight": 14}
    return {
        "field": "tick",
        "type": "nominal",
        "sort": "ascending",
        "title": title,
        "axis": axis,
        "scale": {"paddingInner": 1 - BAR_SHARE, "paddingOuter": (1 - BAR_SHARE) / 2},
    }


def _bars(value_title: str, step: int, shown: tuple[float, float]) -> list[dict[str, Any]]:
    """Return the bars and their whiskers; a bin without a value takes part, with nothing to draw."""
    axis = {"grid": True, "gridOpacity": 0.35, "tickCount": 6}
    low, high = shown
    scale = {"domain": [low * HEADROOM, (high or 1.0) * HEADROOM], "nice": False}
    y = {"field": "value", "type": "quantitative", "title": value_title, "axis": axis, "scale": scale}
    ends = {"y": {"field": "low", "type": "quantitative"}, "y2": {"field": "high"}}
    told = [
        {"field": field, "type": "nominal", "title": title}
        for field, title in (("bin", "bin"), ("counts", "of"), ("text", value_title), ("note", "note"))
    ]
    whisker = {"type": "rule", "strokeWidth": 1.6, "color": INK, "aria": False}
    cap = {"type": "tick", "orient": "horizontal", "thickness": 1.6, "size": step / 6, "color": INK}
    return [
        {
            "name": "rows",
            "mark": {"type": "bar", "color": BLUE, "invalid": "show"},
            "encoding": {"y": y, "tooltip": told},
        },
        {"transform": [{"filter": "isValid(datum.se)"}], "mark": whisker, "encoding": ends},
        *(
            {
                "transform": [{"filter": "isValid(datum.se)"}],
                "mark": cap | {"aria": False},
                "encoding": {"y": {"field": end, "type": "quantitative"}},
            }
            for end in ("low", "high")
        ),
    ]


def _diamonds() -> dict[str, Any]:
    mark = {
        "type": "point",
        "shape": "diamond",
        "filled": True,
        "size": 75,
        "color": VERMILLION,
        "opacity": 1,
    }
    return {
        "transform": [{"filter": "isValid(datum.other)"}],
        "mark": mark | {"stroke": "white", "strokeWidth": 1, "aria": False},
        "encoding": {"y": {"field": "other", "type": "quantitative"}},
    }


def _words() -> list[dict[str, Any]]:
    """Return the value over each bar, and a word where there is no bar."""
    number = {"type": "text", "baseline": "bottom", "dy": -6, "fontSize": 12, "fontWeight": 500, "color": INK}
    nothing = {"type": "text", "baseline": "bottom", "dy": -6, "fontSize": 11, "color": PALE_INK}
    text = {"field": "text", "type": "nominal"}
    return [
        {
            "transform": [{"filter": "isValid(datum.value)"}],
            "mark": number | {"aria": False},
            "encoding": {"y": {"field": "reach", "type": "quantitative"}, "text": text},
        },
        {
            "transform": [{"filter": "!isValid(datum.value)"}],
            "mark": nothing | {"aria": False},
            "encoding": {"y": {"datum": 0}, "text": text},
        },
    ]


def _chance() -> list[dict[str, Any]]:
    """Return a dashed line at each panel's chance, across all of it."""
    once = [
        {"filter": "isValid(datum.chance)"},
        {"aggregate": [{"op": "count", "as": "bars"}], "groupby": ["panel", "chance"]},
        {"calculate": "'chance|' + format(datum.chance, '.3f')", "as": "said"},
    ]
    where: dict[str, Any] = {"y": {"field": "chance", "type": "quantitative"}, "x": None}
    line = {"type": "rule", "strokeDash": [4, 3], "strokeWidth": 1.4, "color": INK, "aria": False}
    words = {"type": "text", "align": "left", "dx": 5, "fontSize": 11, "x": "width", "lineBreak": "|"}
    return [
        {"transform": once, "mark": line, "encoding": where},
        {
            "transform": once,
            "mark": words | {"color": INK, "aria": False},
            "encoding": where | {"text": {"field": "said", "type": "nominal"}},
        },
    ]


def _description(
    question: str, subtitle: Sequence[str], rows: Sequence[Bar], value_title: str, other_title: str
) -> str:
    """Return the figure in words, for those who do not see it."""
    said = " ".join(line if line.endswith(".") else f"{line}." for line in subtitle)
    told = []
    for panel in dict.fromkeys(row.panel for row in rows):
        parts = []
        for row in (row for row in rows if row.panel == panel):
            value = f"{row.value:.3f}" if row.value is not None else f"none ({row.note})"
            parts.append(f"{row.bin} {value}")
        told.append(f"{panel}: {', '.join(parts)}.")
    head = f"{question} {said} Bars of {value_title} by bin, diamonds for {other_title}."
    return " ".join([head, *told])
