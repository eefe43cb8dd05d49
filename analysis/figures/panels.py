"""What figures of several panels share: the heading, the table of rows, and the panels side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.figures.theme import INK, LETTER_WIDTH, SCHEMA, TITLE_LETTER_WIDTH, config, wrapped

SPACING = 64  # between panels: room for what stands at the right end of a line
IN_A_ROW = 2


def panels(
    values: Sequence[Mapping[str, Any]],
    panel: Mapping[str, Any],
    *,
    question: str,
    subtitle: Sequence[str],
    description: str,
    table: Mapping[str, str],
    width: float,
    columns: int,
) -> dict[str, Any]:
    """Return the Vega-Lite specification of one panel for each value of the field `panel`.

    Args:
        values: the rows of all panels, in the order of the panels.
        panel: the specification of one panel, without data.
        question: the figure's title.
        subtitle: what was measured, line by line; long lines are broken.
        description: the figure in words.
        table: what each field is called in the table of rows, in order.
        width: of one panel, in pixels.
        columns: panels in a row.
    """
    order = list(dict.fromkeys(value["panel"] for value in values))
    room = (width + SPACING) * min(columns, len(order))
    header = {"labelFontSize": 13, "labelFontWeight": 600, "labelColor": INK, "labelAnchor": "start"}
    return {
        "$schema": SCHEMA,
        "description": description,
        "title": {
            "text": wrapped(question, room / TITLE_LETTER_WIDTH),
            "subtitle": [part for line in subtitle for part in wrapped(line, room / LETTER_WIDTH)],
        },
        "data": {"values": list(values)},
        "usermeta": {"title": question, "table": [[field, title] for field, title in table.items()]},
        "columns": columns,
        "facet": {"field": "panel", "type": "nominal", "sort": order, "title": None, "header": header},
        "spacing": SPACING,
        "bounds": "flush",
        "spec": panel,
        "config": config(),
    }
