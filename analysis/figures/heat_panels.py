"""Heat maps side by side: the same rows and columns under several rules, one colour scale for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

from analysis.figures.theme import (
    INK,
    LABEL_PADDING,
    LETTER_WIDTH,
    NOTHING,
    PALE_INK,
    SCHEMA,
    TITLE_LETTER_WIDTH,
    config,
    wrapped,
)

LEGEND_WIDTH = 110
BRIGHT_ABOVE = 0.43  # of viridis: there black and white ink stand out equally (4.6 : 1)
MISSING_SIGN = "\N{BULLET}"
BROAD, NARROW, ROOM = 12, 24, 720  # columns with three decimals, with two, and pixels for more than that
SMALLEST_LABEL = 8
STEEP_BELOW = 20  # pixels of a column: slanted labels would lie on each other


@dataclass(frozen=True)
class PanelCell:
    """One cell of one panel: its value, None where there is none, and what the pointer is told."""

    panel: str
    row: str
    column: str
    value: float | None
    tip: str


@dataclass(frozen=True)
class CellSize:
    """How large cells and labels are, and how many decimals fit in: None is no number at all."""

    width: int
    height: int
    decimals: int | None
    label: int


def heat_panels(
    cells: Sequence[PanelCell],
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    question: str,
    subtitle: Sequence[str],
    row_title: str,
    column_title: str,
    value_title: str,
    breaks: Sequence[str] = (),
    labels_below: bool = False,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of one heat map or of several beside each other.

    Colours follow the square root of the value, so that small values stay apart beside large ones; where a
    value is negative they follow the value itself.

    Args:
        cells: at most one per panel, row and column; panels stand in the order of their first cell.
        rows: every row, from the top.
        columns: every column, from the left.
        question: the figure's title.
        subtitle: what was measured, and chance, line by line.
        row_title: what the rows are; may be empty.
        column_title: what the columns are; may be empty.
        value_title: what the values are, with their unit.
        breaks: rows and columns before which another group begins: a gap is left there.
        labels_below: whether the columns are named below, as a triangle wants it.

    Raises:
        ValueError: there is no cell, two of one place, or one of an unknown row or column.
    """
    _check(cells, rows, columns)
    known = [cell.value for cell in cells if cell.value is not None]
    low, high = min([0.0, *known]), max(known, default=1.0)
    size = cell_size(max(len(rows), len(columns)))
    panels = list(dict.fromkeys(cell.panel for cell in cells))
    width, height = size.width * len(columns), size.height * len(rows)
    room = (width + 20) * len(panels) + LEGEND_WIDTH + LETTER_WIDTH * max(len(row) for row in rows)
    layers = [
        *_cells(low, high, value_title, height),
        *_gaps(rows, columns, breaks),
        *([] if size.decimals is None else [_numbers()]),
    ]
    panel: dict[str, Any] = {
        "width": width,
        "height": height,
        "layer": layers,
        "encoding": {
            "x": _axis("column", columns, column_title, size, is_below=labels_below),
            "y": _axis("row", rows, row_title, size, is_below=False),
        },
    }
    return {
        "$schema": SCHEMA,
        "description": _description(question, subtitle, cells, value_title),
        "title": {"text": wrapped(question, room / TITLE_LETTER_WIDTH), "subtitle": list(subtitle)},
        "usermeta": {
            "title": question,
            "table": [["row", "row"], ["column", "column"], ["value", value_title]],
        },
        "data": {"values": [_value(cell, low, high, size) for cell in cells]},
        **_arranged(panel, panels, spacing=_spacing(columns, size)),
        "config": config(),
    }


def cell_size(count: int) -> CellSize:
    """Return the size of the cells of a heat map with so many rows or columns."""
    if count <= BROAD:
        return CellSize(48, 30, 3, 11)
    if count <= NARROW:
        return CellSize(30, 24, 2, 11)
    step = max(SMALLEST_LABEL + 1, ROOM // count)
    return CellSize(step, step, None, min(11, max(SMALLEST_LABEL, step - 2)))


def _check(cells: Sequence[PanelCell], rows: Sequence[str], columns: Sequence[str]) -> None:
    places = {(cell.panel, cell.row, cell.column) for cell in cells}
    if not cells or len(places) != len(cells):
        raise ValueError(f"heat maps need cells, one per place; found {len(cells)}")
    unknown = {cell.row for cell in cells} - set(rows) | {cell.column for cell in cells} - set(columns)
    if unknown:
        raise ValueError(f"cells of rows or columns that are not named: {', '.join(sorted(unknown))}")


def _value(cell: PanelCell, low: float, high: float, size: CellSize) -> dict[str, Any]:
    text, ink = MISSING_SIGN, PALE_INK
    if cell.value is not None:
        text = _short(cell.value, size.decimals or 3)
        share = (cell.value - low) / (high - low) if high > low else 1.0
        ink = "black" if (sqrt(share) if low == 0 else share) > BRIGHT_ABOVE else "white"
    place = {"panel": cell.panel, "row": cell.row, "column": cell.column}
    return {**place, "value": cell.value, "text": text, "ink": ink, "tip": cell.tip}


def _short(value: float, decimals: int) -> str:
    """Return a number in a cell: without the zero before the point where there is little room."""
    text = f"{value:.{decimals}f}"
    return text.replace("0.", ".", 1) if decimals < 3 else text


def _description(question: str, subtitle: Sequence[str], cells: Sequence[PanelCell], value_title: str) -> str:
    """Return the figure in words, for those who do not see it."""
    known = sorted((cell for cell in cells if cell.value is not None), key=lambda cell: cell.value or 0.0)
    said = " ".join(line if line.endswith(".") else f"{line}." for line in subtitle)
    missing = len(cells) - len(known)
    head = f"{question} {said} Heat map of {len(known)} values of {value_title}"
    head += f", {missing} more are missing" if missing else ""
    if not known:
        return f"{head}."
    lowest, highest = known[0], known[-1]
    return (
        f"{head}, from {lowest.value:.3f} ({lowest.row} and {lowest.column}) "
        f"to {highest.value:.3f} ({highest.row} and {highest.column})."
    )


def _arranged(panel: dict[str, Any], panels: Sequence[str], *, spacing: int) -> dict[str, Any]:
    if len(panels) == 1:
        return panel
    header = {"title": None, "labelFontSize": 12, "labelFontWeight": 600, "labelAnchor": "start"}
    header |= {"labelPadding": 10, "labelLimit": 0, "labelColor": INK}
    column = {"field": "panel", "type": "nominal", "sort": list(panels), "header": header}
    return {"facet": {"column": column}, "spacing": spacing, "spec": panel}


def _spacing(columns: Sequence[str], size: CellSize) -> int:
    """Return how far panels stand apart: the last slanted label must not reach the next panel's first."""
    reach = 0.72 * LETTER_WIDTH * len(columns[-1]) * size.label / 12
    return max(24, round(reach - size.width / 2))


def _axis(field: str, order: Sequence[str], title: str, size: CellSize, *, is_below: bool) -> dict[str, Any]:
    axis: dict[str, Any] = {"labelLimit": 0, "labelOverlap": False, "labelFontSize": size.label}
    if field == "row":
        axis |= {"orient": "left", "titleAngle": 0, "titleAlign": "right", "titleBaseline": "bottom"}
        axis |= {"titleX": -8, "titleY": -8}
    else:
        axis |= {"labelAngle": -40 if size.width > STEEP_BELOW else -90, "labelPadding": LABEL_PADDING}
        axis |= {"orient": "bottom" if is_below else "top", "labelAlign": "right" if is_below else "left"}
        axis |= {"titleAnchor": "start"}
    scale = {"domain": list(order)}
    return {"field": field, "type": "nominal", "title": title or None, "scale": scale, "axis": axis}


def _cells(low: float, high: float, value_title: str, height: int) -> list[dict[str, Any]]:
    """Draw every cell, the missing ones pale; their layers end in `rows`, so that they can be counted."""
    scale: dict[str, Any] = {"scheme": "viridis", "domain": [low, high]}
    if low == 0:
        scale["type"] = "sqrt"
    legend = {
        "title": wrapped(value_title, 0),
        "format": ".2f" if high >= 0.1 else ".3f",
        "gradientLength": max(60, min(150, height - 20)),
        "gradientThickness": 12,
        "tickCount": 4,
    }
    mark = {"type": "rect", "stroke": "white", "strokeWidth": 1.5}
    told = {name: {"field": "tip", "type": "nominal"} for name in ("tooltip", "description")}
    value = {"field": "value", "type": "quantitative", "scale": scale, "legend": legend}
    return [
        {
            "name": "rows",
            "transform": [{"filter": "isValid(datum.value)"}],
            "mark": mark,
            "encoding": {"color": value, **told},
        },
        {
            "name": "missing_rows",
            "transform": [{"filter": "!isValid(datum.value)"}],
            "mark": mark | {"color": NOTHING},
            "encoding": told,
        },
    ]


def _gaps(rows: Sequence[str], columns: Sequence[str], breaks: Sequence[str]) -> list[dict[str, Any]]:
    """Leave a gap where another group of rows or columns begins."""
    gap = {"type": "rule", "color": "white", "strokeWidth": 5, "aria": False}
    places = [("y", "row", name) for name in breaks if name in rows[1:]]
    places += [("x", "column", name) for name in breaks if name in columns[1:]]
    return [
        {
            "data": {"values": [{field: name}]},
            "mark": gap,
            "encoding": {
                channel: {"field": field, "type": "nominal", "bandPosition": 0},
                ("x" if channel == "y" else "y"): {"value": 0},
                ("x2" if channel == "y" else "y2"): {"value": "width" if channel == "y" else "height"},
            },
        }
        for channel, field, name in places
    ]


def _numbers() -> dict[str, Any]:
    """Print each value in the ink that stands out better from its cell."""
    inks = [{"test": f"datum.ink === '{ink}'", "value": ink} for ink in ("black", "white")]
    return {
        "mark": {"type": "text", "fontSize": 11, "fontWeight": 500, "aria": False},
        "encoding": {
            "text": {"field": "text", "type": "nominal"},
            "color": {"condition": inks, "value": PALE_INK},
        },
    }
