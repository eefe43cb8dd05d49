"""Durations as people write them: `90`, `30m`, `2h`, `1h30m`."""

from __future__ import annotations

import re

import click

SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
PART = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def parse_duration(text: str) -> float:
    """Return the seconds of a duration; a number alone is seconds.

    Raises:
        ValueError: it is none.
    """
    text = text.strip().lower()
    if re.fullmatch(r"\d+(\.\d+)?", text):
        return float(text)
    if not re.fullmatch(rf"({PART.pattern})+", text):
        raise ValueError(f"'{text}' is no duration; write 90, 30m, 2h or 1h30m")
    return sum(float(number) * SECONDS[unit] for number, unit in PART.findall(text))


def duration_text(seconds: float) -> str:
    """Return a duration as people write it: `under 1 s`, `42 s`, `5 m 13 s`, `2 h 5 m`."""
    if seconds < 1:
        return "under 1 s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} m"


def duration(value: str | float) -> float:
    """Return the seconds of an option's value; click calls this as the option's type.

    Raises:
        click.BadParameter: it is no duration.
    """
    try:
        return parse_duration(str(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
