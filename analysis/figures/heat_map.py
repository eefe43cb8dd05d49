"""A two-way table as a heat map: one kind of thing down, another across, the value printed in each cell."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from analysis.figures.theme import (
    INK,
    LABEL_PADDING,
    LETTER_WIDTH,
    NOTHING,
    SCHEMA,
    TITLE_LETTER_WIDTH,
    config,
    wrapped,
)

CELL_HEIGHT, NARROW_CELL, LEGEND_WIDTH = 38, 50, 140
LINE_HEIGHT = 14
LABEL_LETTERS, LEVEL_COLUMNS = 14, 10  # longer lines, and more columns, get slanted labels
DARK_BELOW = 0.45  # of its range, viridis is dark enough for white ink to stand out better than black
MISSING_SIGN = "·"


@dataclass(frozen=True)
class Cell:
    """One cell: a row, a column and the value between them, None where it is not computed."""

    row: str
    column: str
    value: float | None
    note: str = ""


def heat_map(
    cells: Sequence[Cell],
    *,
    question: str,
    subtitle: str,
    row_title: str,
    column_title: str,
    value_title: str,
    chance: float | None = None,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of a two-way table.

    Rows and columns stand in the order of their means, the highest first. A pair without a cell is shown as
    not computed, like a cell whose value is None.

    Args:
        cells: at most one per row and column; `note` appears when the pointer rests on it.
        question: the figure's title.
        subtitle: what was measured, and on what.
        row_title: what the rows are.
        column_title: what the columns are.
        value_title: what the values are, with their unit.
        chance: the value that means nothing; stated in the subtitle.

    Raises:
        ValueError: there is no cell, or two of one row and column.
    """
    if len({(cell.row, cell.column) for cell in cells}) != len(cells) or not cells:
        raise ValueError(f"a heat map needs cells, one per row and column; found {len(cells)}")
    rows = _by_mean([(cell.row, cell.value) for cell in cells])
    columns = _by_mean([(cell.column, cell.value) for cell in cells])
    values = _values(cells, rows, columns)
    lines = _subtitle(subtitle, chance, is_complete=all(value["value"] is not None for value in values))
    known = [cell.value for cell in cells if cell.value is not None]
    low, high = min([0.0, *known]), max(known, default=1.0)
    height, width = CELL_HEIGHT * len(rows), _cell_width(columns) * len(columns)
    room = width + LEGEND_WIDTH + LETTER_WIDTH * max(len(row) for row in rows)
    return {
        "$schema": SCHEMA,
        "description": _description(question, lines, cells, row_title, column_title),
        "title": {"text": wrapped(question, room / TITLE_LETTER_WIDTH), "subtitle": lines},
        "data": {"values": values},
        "usermeta": {
            "title": question,
            "table": [["row", row_title], ["column", column_title], ["value", value_title], ["note", ""]],
        },
        "height": height,
        "width": width,
        "encoding": {
            "x": _column_axis(columns, column_title),
            "y": _row_axis(rows, row_title),
            "tooltip": _tooltip(row_title, column_title, value_title),
        },
        "layer": [_known_cells(low, high, value_title, height), _missing_cells(), _numbers(low, high)],
        "config": config(),
    }


def _by_mean(pairs: Sequence[tuple[str, float | None]]) -> list[str]:
    """Return the labels by the mean of their values, the highest first, those without any at the end."""
    means: dict[str, float] = {}
    for label in dict(pairs):
        known = [value for other, value in pairs if other == label and value is not None]
        means[label] = fmean(known) if known else float("-inf")
    return sorted(means, key=lambda label: (-means[label], label))


def _values(cells: Sequence[Cell], rows: Sequence[str], columns: Sequence[str]) -> list[dict[str, Any]]:
    known = {(cell.row, cell.column): cell for cell in cells}
    return [
        {
            "row": cell.row,
            "column": cell.column,
            "value": cell.value,
            "text": MISSING_SIGN if cell.value is None else f"{cell.value:.3f}",
            "note": cell.note or ("not computed" if cell.value is None else ""),
        }
        for row in rows
        for column in columns
        for cell in [known.get((row, column), Cell(row, column, None))]
    ]


def _subtitle(subtitle: str, chance: float | None, *, is_complete: bool) -> list[str]:
    notes = [] if chance is None else [f"Chance is {chance:.3f}."]
    notes += [] if is_complete else ["A dot marks what is not computed."]
    return [subtitle, " ".join(notes)] if notes else [subtitle]


def _description(
    question: str, lines: Sequence[str], cells: Sequence[Cell], row_title: str, column_title: str
) -> str:
    """Return the figure in words, for those who do not see it."""
    known = sorted((cell for cell in cells if cell.value is not None), key=lambda cell: cell.value or 0.0)
    said = " ".join(line if line.endswith(".") else f"{line}." for line in lines)
    head = f"{question} {said} Heat map of {row_title} by {column_title}, {len(known)} values"
    if not known:
        return f"{head}."
    lowest, highest = known[0], known[-1]
    return (
        f"{head}, from {lowest.value:.3f} ({lowest.row} and {lowest.column}) "
        f"to {highest.value:.3f} ({highest.row} and {highest.column})."
    )


def _label_lines(columns: Sequence[str]) -> dict[str, list[str]]:
    """Return each column's label in lines, the same number for all: Vega draws downward from the first."""
    broken = {column: _broken(column) for column in columns}
    height = max(len(lines) for lines in broken.values())
    return {column: [" "] * (height - len(lines)) + lines for column, lines in broken.items()}


def _broken(label: str) -> list[str]:
    """Return a label in lines, broken after hyphens, underscores and blanks only."""
    lines = [""]
    for piece in re.split(r"(?<=[-_ ])", label):
        if lines[-1] and len(lines[-1] + piece.strip()) > LABEL_LETTERS:
            lines.append("")
        lines[-1] += piece
    return lines


def _is_level(columns: Sequence[str]) -> bool:
    longest = max(len(line) for column in columns for line in _broken(column))
    return longest <= LABEL_LETTERS and len(columns) <= LEVEL_COLUMNS


def _cell_width(columns: Sequence[str]) -> int:
    if not _is_level(columns):
        return NARROW_CELL
    longest = max(len(line) for column in columns for line in _broken(column))
    return max(64, round(longest * LETTER_WIDTH + 14))


def _column_axis(columns: Sequence[str], title: str) -> dict[str, Any]:
    """Return the axis of the columns: labels level, in lines, where they fit, else slanted and whole."""
    axis: dict[str, Any] = {"orient": "top", "labelLimit": 0, "labelOverlap": False, "titleAnchor": "start"}
    if _is_level(columns):
        lines = _label_lines(columns)
        expression = f"({json.dumps(lines, ensure_ascii=False)})[datum.label]"
        padding = LABEL_PADDING + LINE_HEIGHT * (len(lines[columns[0]]) - 1)
        axis |= {"labelAngle": 0, "labelLineHeight": LINE_HEIGHT, "labelPadding": padding}
        axis |= {"labelExpr": expression}
    else:
        axis |= {"labelAngle": -40, "labelAlign": "left"}
    return {"field": "column", "type": "nominal", "sort": list(columns), "title": title, "axis": axis}


def _row_axis(rows: Sequence[str], title: str) -> dict[str, Any]:
    """Return the axis of the rows, its title level above the labels."""
    axis = {"orient": "left", "labelLimit": 0, "labelOverlap": False}
    axis |= {"titleAngle": 0, "titleAlign": "right", "titleBaseline": "bottom", "titleX": -8, "titleY": -8}
    return {"field": "row", "type": "nominal", "sort": list(rows), "title": title, "axis": axis}


def _tooltip(row_title: str, column_title: str, value_title: str) -> list[dict[str, str]]:
    titles = {"row": row_title, "column": column_title, "text": value_title, "note": "note"}
    return [{"field": field, "type": "nominal", "title": title} for field, title in titles.items()]


def _known_cells(low: float, high: float, value_title: str, height: int) -> dict[str, Any]:
    scale = {"scheme": "viridis", "domain": [low, high]}
    legend = {
        "title": value_title,
        "format": ".2f" if high >= 0.1 else ".3f",
        "gradientLength": min(150, height - 20),
        "gradientThickness": 12,
        "tickCount": 4,
    }
    return {
        "transform": [{"filter": "isValid(datum.value)"}],
        "mark": {"type": "rect", "stroke": "white", "strokeWidth": 2, "cornerRadius": 3},
        "encoding": {"color": {"field": "value", "type": "quantitative", "scale": scale, "legend": legend}},
    }


def _missing_cells() -> dict[str, Any]:
    return {
        "transform": [{"filter": "!isValid(datum.value)"}],
        "mark": {"type": "rect", "stroke": "white", "strokeWidth": 2, "cornerRadius": 3, "color": NOTHING},
    }


def _numbers(low: float, high: float) -> dict[str, Any]:
    """Print each value in the ink that stands out better from its cell."""
    bright = low + DARK_BELOW * (high - low)
    dark_ink = {"test": f"!isValid(datum.value) || datum.value > {bright!r}", "value": INK}
    return {
        "mark": {"type": "text", "fontSize": 12, "fontWeight": 500},
        "encoding": {
            "text": {"field": "text", "type": "nominal"},
            "color": {"condition": dark_ink, "value": "white"},
        },
    }
