"""Points in panels, each with its name: one measure against another, what kind each is, and chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analysis.figures.labels import Box, Place, place_labels, text_width
from analysis.figures.panels import IN_A_ROW, panels
from analysis.figures.scatter_layers import (
    HEIGHT,
    SHAPES,
    WIDTH,
    Line,
    leaders,
    lines,
    names,
    points,
    trails,
    whiskers,
)


@dataclass(frozen=True)
class Dot:
    """One thing in a panel.

    Attributes:
        panel: which panel it stands in.
        name: what is written beside it.
        kind: one of the kinds; gives colour and shape.
        x: the measure across.
        y: the measure upward.
        y_se: standard error of y, drawn as a whisker; None for none.
        chance: y of the panel's line of chance, the same for all of a panel; None for none.
        trail: points of one trail are joined in their order; empty for none.
        note: what appears when the pointer rests on it.
    """

    panel: str
    name: str
    kind: str
    x: float
    y: float
    y_se: float | None = None
    chance: float | None = None
    trail: str = ""
    note: str = ""


def scatter(
    dots: Sequence[Dot],
    *,
    kinds: Sequence[str],
    question: str,
    subtitle: Sequence[str],
    x_title: str,
    y_title: str,
    chance_words: str = "chance",
    across: Line | None = None,
    upright: Line | None = None,
    columns: int = IN_A_ROW,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of points with their names.

    Panels stand in the order of their first point, all on one scale. A name that finds no room is not
    written; it stands in the table and appears under the pointer.

    Args:
        dots: the points.
        kinds: every kind, at most four, in the legend's order; points of the first are named first.
        question: the figure's title.
        subtitle: what was measured, line by line.
        x_title: what x is, with its unit.
        y_title: what y is, with its unit.
        chance_words: what each panel's line of chance is called.
        across: a second line across every panel, beside each panel's own chance.
        upright: an upright line in every panel.
        columns: panels in a row.

    Raises:
        ValueError: there is no point, or a kind that is not listed, or more kinds than shapes.
    """
    unknown = {dot.kind for dot in dots} - set(kinds)
    if not dots or unknown or len(kinds) > len(SHAPES):
        raise ValueError(
            f"a scatter needs points of at most {len(SHAPES)} kinds; found {len(dots)} {unknown}"
        )
    window = _window(dots, across, upright)
    values = [
        value
        for panel in dict.fromkeys(dot.panel for dot in dots)
        for value in _values([dot for dot in dots if dot.panel == panel], kinds, window, across, upright)
    ]
    layers = [
        *lines(chance_words, across, upright),
        trails(),
        whiskers(),
        leaders(),
        points(kinds, (window.x, window.y), x_title, y_title),
        names(),
    ]
    return panels(
        values,
        {"width": WIDTH, "height": HEIGHT, "layer": layers},
        question=question,
        subtitle=subtitle,
        description=_description(question, subtitle, dots, x_title, y_title),
        table={
            "panel": "",
            "name": "name",
            "kind": "kind",
            "x": x_title,
            "y": y_title,
            "y_se": "standard error",
            "chance": "chance",
            "note": "",
        },
        width=WIDTH,
        columns=columns,
    )


@dataclass(frozen=True)
class Window:
    """What the axes show, and where a value lies in pixels."""

    x: tuple[float, float]
    y: tuple[float, float]

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """Return where values lie, from the upper left corner."""
        (left, right), (bottom, top) = self.x, self.y
        return WIDTH * (x - left) / (right - left), HEIGHT * (top - y) / (top - bottom)

    def value(self, x: float, y: float) -> tuple[float, float]:
        """Return the values of a place in pixels."""
        (left, right), (bottom, top) = self.x, self.y
        return left + x / WIDTH * (right - left), top - y / HEIGHT * (top - bottom)


def _window(dots: Sequence[Dot], across: Line | None, upright: Line | None) -> Window:
    """Return axes that hold every point, whisker and line with room for names; y begins at 0 or below."""
    xs = [dot.x for dot in dots] + ([upright.value] if upright else [])
    ys = [dot.y + side * (dot.y_se or 0.0) for dot in dots for side in (-1, 1)]
    ys += [dot.chance for dot in dots if dot.chance is not None] + ([across.value] if across else [])
    spread = (max(xs) - min(xs)) or 0.1
    low, high = min(0.0, *ys), max(ys)
    room = 0.12 * ((high - low) or 1.0)
    return Window(
        (min(xs) - 0.14 * spread, max(xs) + 0.22 * spread), (low - room if low < 0 else 0.0, high + room)
    )


def _values(
    dots: Sequence[Dot], kinds: Sequence[str], window: Window, across: Line | None, upright: Line | None
) -> list[dict[str, Any]]:
    """Return the rows of one panel, those that are named first first."""
    ordered = sorted(dots, key=lambda dot: kinds.index(dot.kind))
    places = place_labels(
        [window.pixel(dot.x, dot.y) for dot in ordered],
        [text_width(dot.name) for dot in ordered],
        size=(WIDTH, HEIGHT),
        taken=_taken(ordered, window, across, upright),
    )
    return [
        _value(dot, order, place, window)
        for order, (dot, place) in enumerate(zip(ordered, places, strict=True))
    ]


def _taken(dots: Sequence[Dot], window: Window, across: Line | None, upright: Line | None) -> list[Box]:
    """Return where lines, their words and whiskers stand."""
    boxes = []
    chance = next((dot.chance for dot in dots if dot.chance is not None), None)
    for value, up in ((chance, -1), (across.value if across else None, 1)):
        if value is not None:
            y = window.pixel(0.0, value)[1]
            boxes += [Box(WIDTH / 2, y, WIDTH / 2, 2.0), Box(WIDTH - 85, y + up * 9, 85, 8)]
    if upright is not None:
        x = window.pixel(upright.value, 0.0)[0]
        boxes += [Box(x, HEIGHT / 2, 2.0, HEIGHT / 2), Box(x + 45, 8, 45, 8)]
    for dot in dots:
        if dot.y_se is not None:
            x, top = window.pixel(dot.x, dot.y + dot.y_se)
            bottom = window.pixel(dot.x, dot.y - dot.y_se)[1]
            boxes.append(Box(x, (top + bottom) / 2, 2.0, (bottom - top) / 2))
    return boxes


def _value(dot: Dot, order: int, place: Place | None, window: Window) -> dict[str, Any]:
    label_x, label_y = window.value(place.x, place.y) if place else (None, None)
    line_x, line_y = window.value(*place.line_to) if place and place.line_to else (None, None)
    return {
        "panel": dot.panel,
        "name": dot.name,
        "kind": dot.kind,
        "x": dot.x,
        "y": dot.y,
        "y_se": dot.y_se,
        "low": None if dot.y_se is None else dot.y - dot.y_se,
        "high": None if dot.y_se is None else dot.y + dot.y_se,
        "chance": dot.chance,
        "trail": dot.trail,
        "order": order,
        "label_x": label_x,
        "label_y": label_y,
        "line_x": line_x,
        "line_y": line_y,
        "note": dot.note,
    }


def _description(
    question: str, subtitle: Sequence[str], dots: Sequence[Dot], x_title: str, y_title: str
) -> str:
    """Return the figure in words, for those who do not see it."""
    said = " ".join(line if line.endswith(".") else f"{line}." for line in subtitle)
    lowest, highest = min(dots, key=lambda dot: dot.y), max(dots, key=lambda dot: dot.y)
    return (
        f"{question} {said} Scatter of {y_title} against {x_title}, {len(dots)} points, "
        f"from {lowest.y:.3f} ({lowest.name}) to {highest.y:.3f} ({highest.name})."
    )
