"""What all figures share: ink, letters, and the settings of their axes, titles and legends.

A page may give the figures another ink by style (`fill="#1b1b1f"` in the drawing is an attribute, which any
style overrides): so ink is one of these names, and never a colour that carries a value.
"""

from __future__ import annotations

import textwrap
from typing import Any

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
FONT = "DejaVu Sans, Verdana, sans-serif"
INK, PALE_INK, NOTHING = "#1b1b1f", "#5d5d66", "#ececf0"
LETTER_WIDTH, TITLE_LETTER_WIDTH = 7.0, 10.5  # pixels of a label's and of the title's letters, rounded up
LABEL_PADDING = 8


def wrapped(text: str, letters: float) -> list[str]:
    """Return a text in lines of about so many letters."""
    return textwrap.wrap(text, width=max(24, int(letters)), break_long_words=False)


def config() -> dict[str, Any]:
    """Return the settings of Vega-Lite that every figure shares."""
    return {
        "font": FONT,
        "background": "white",
        "padding": 16,
        "view": {"stroke": None},
        "title": {
            "anchor": "start",
            "frame": "bounds",
            "color": INK,
            "fontSize": 16,
            "fontWeight": 600,
            "subtitleColor": PALE_INK,
            "subtitleFontSize": 12,
            "subtitleLineHeight": 17,
            "subtitlePadding": 6,
            "offset": 16,
        },
        "axis": {
            "domain": False,
            "ticks": False,
            "labelColor": INK,
            "labelFontSize": 11,
            "labelPadding": LABEL_PADDING,
            "titleColor": PALE_INK,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "titlePadding": 12,
        },
        "legend": {
            "labelColor": INK,
            "titleColor": PALE_INK,
            "titleFontSize": 11,
            "titleFontWeight": "normal",
            "titleLimit": 0,
            "labelFontSize": 11,
            "offset": 22,
        },
    }
