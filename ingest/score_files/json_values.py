"""Values as JSON files hold them: numbers, counts and words, or the reason why they are none."""

from __future__ import annotations

from typing import Any

from ingest.score_files.claims import clean
from ingest.score_files.numbers import parse_count, parse_number


def number_of(value: Any) -> float:
    """Return a value as a number.

    Raises:
        ValueError: it is none; the message is the reason.
    """
    if value is None:
        return parse_number("")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(f"{type(value).__name__} is not a number")
    return parse_number(str(value))


def count_of(value: Any, what: str) -> int:
    """Return a value as a count.

    Raises:
        ValueError: it is none.
    """
    number_of(value)
    return parse_count(str(value), what)


def word_of(value: Any) -> str | None:
    """Return a value as a word, or None if it is neither a text that is not empty nor a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return clean(str(value)).strip()[:1000] or None


def mapping_of(value: Any) -> dict[str, Any]:
    """Return a value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}
