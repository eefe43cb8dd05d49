"""Numbers as cells of outside tables write them; what is no plain number is refused with its reason."""

from __future__ import annotations

import math
import re

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,4})?", re.ASCII)
_GROUPED = re.compile(r"\d{1,3}(,\d{3})+(\.\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?\d+,\d+", re.ASCII)
_LIKE_A_NUMBER = re.compile(
    r"[+-]?[\d.,]+([eE][+-]?\d+)?\s*%?|[+-]?(nan|inf|infinity)", re.ASCII | re.IGNORECASE
)
_NOTHING = frozenset({"", "-", "\N{EN DASH}", "\N{EM DASH}", "n/a", "na", "null", "none"})
_NO_NUMBER = frozenset({"nan", "inf", "infinity"})
LONGEST_NUMBER = 60
EMPTY = "empty"


def parse_number(text: str) -> float:
    """Return the number that a cell holds.

    Raises:
        ValueError: it holds none; the message is the reason: 'empty', a percent sign, a decimal comma, NaN.
    """
    word = text.strip() if len(text) <= LONGEST_NUMBER else text
    if len(word) > LONGEST_NUMBER:
        raise ValueError(f"a cell of {len(word):,} characters is no number")
    if is_empty(word):
        raise ValueError(EMPTY)
    if word.casefold().lstrip("+-") in _NO_NUMBER:
        raise ValueError(f"{word} is no finite number")
    if word.endswith("%"):
        raise ValueError(f"'{word}' has a percent sign: write the bare number")
    if _COMMA.fullmatch(word) or _GROUPED.fullmatch(word):
        raise ValueError(f"'{word}' has a comma: write a decimal point, and no separator of thousands")
    if not _NUMBER.fullmatch(word):
        raise ValueError(f"'{word}' is not a number")
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"{word} is no finite number")
    return number


def parse_size(text: str) -> float:
    """Return the size that a cell holds, where thousands may be separated by commas.

    Raises:
        ValueError: it holds none.
    """
    word = text.strip()
    grouped = len(word) <= LONGEST_NUMBER and _GROUPED.fullmatch(word)
    return parse_number(word.replace(",", "") if grouped else word)


def parse_count(text: str, what: str) -> int:
    """Return the whole number, not negative, that a cell holds.

    Raises:
        ValueError: it holds none.
    """
    number = parse_number(text)
    if number < 0 or number != int(number) or number > 2**31 - 1:
        raise ValueError(f"'{text.strip()}' is no count of {what}")
    return int(number)


def is_empty(text: str) -> bool:
    """Return whether a cell holds nothing, or a word for it."""
    return len(text) <= LONGEST_NUMBER and text.strip().casefold() in _NOTHING


def is_like_a_number(text: str) -> bool:
    """Return whether a cell tries to be a number, even one that is refused."""
    return len(text) <= LONGEST_NUMBER and _LIKE_A_NUMBER.fullmatch(text.strip()) is not None
