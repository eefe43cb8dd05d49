"""Braces in what a user names, `{a,b,100..500:100}`, written out by us: it works in every shell, quoted."""

from __future__ import annotations

import re
from itertools import product
from math import prod

from registry.errors import UsageError

LARGEST_EXPANSION = 100_000
EXAMPLE = "write {a,b,c}, {0..16000:1000} or both: {0,1,2,4..512:4}"
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)(?::(\d+))?")
_LONGEST_NUMBER = 18


def has_braces(text: str) -> bool:
    """Return whether a text holds something to expand."""
    return "{" in text or "}" in text


def expand_braces(text: str, *, limit: int = LARGEST_EXPANSION) -> list[str]:
    """Return every text that a text with braces stands for, the last braces running fastest.

    `{a,b}` is a list, `{1000..143000:1000}` a range with both ends and a step (1 where none is given); a list
    may hold ranges. A range keeps leading zeros, `{000..100:50}`. Braces are not nested.

    Raises:
        UsageError: the braces are malformed, or stand for more than `limit` texts.
    """
    if not has_braces(text):
        return [text]
    pieces = _BRACES.split(text)  # what is outside and what is inside braces, in turns
    if any(has_braces(piece) for piece in pieces[::2]):
        raise UsageError(f"the braces in '{text}' do not close, or are nested", hint=EXAMPLE)
    _refuse_more_than(limit, prod(_count(text, inside) for inside in pieces[1::2]), text)
    choices = [[piece] if index % 2 == 0 else _members(piece) for index, piece in enumerate(pieces)]
    return ["".join(chosen) for chosen in product(*choices)]


def _refuse_more_than(limit: int, count: int, text: str) -> None:
    if count > limit:
        raise UsageError(
            f"'{text}' stands for {count:,} names, at most {limit:,} are expanded at once",
            hint="use a larger step, or several commands",
        )


def _count(text: str, inside: str) -> int:
    """Return how many texts one pair of braces stands for, without writing them out."""
    if "," not in inside and ".." not in inside:
        raise UsageError(f"'{{{inside}}}' in '{text}' is neither a list nor a range", hint=EXAMPLE)
    return sum(_count_part(text, inside, part.strip()) for part in inside.split(","))


def _count_part(text: str, inside: str, part: str) -> int:
    if not part:
        raise UsageError(f"'{{{inside}}}' in '{text}' has an empty place", hint=EXAMPLE)
    if ".." not in part:
        return 1
    match = _RANGE.fullmatch(part)
    if match is None or any(len(number) > _LONGEST_NUMBER for number in match.groups(default="")):
        raise UsageError(f"'{part}' in '{text}' is no range of whole numbers", hint=EXAMPLE)
    first, last, step = _bounds(match)
    if step == 0 or last < first:
        problem = "has a step of 0" if step == 0 else "ends before it begins"
        raise UsageError(f"the range '{part}' in '{text}' {problem}", hint=EXAMPLE)
    return (last - first) // step + 1


def _bounds(match: re.Match[str]) -> tuple[int, int, int]:
    return int(match[1]), int(match[2]), int(match[3] or 1)


def _members(inside: str) -> list[str]:
    members: list[str] = []
    for part in (part.strip() for part in inside.split(",")):
        match = _RANGE.fullmatch(part)
        if match is None:
            members.append(part)
            continue
        first, last, step = _bounds(match)
        is_padded = any(len(end) > 1 and end.startswith("0") for end in (match[1], match[2]))
        width = max(len(match[1]), len(match[2])) if is_padded else 0
        members += [f"{number:0{width}d}" for number in range(first, last + 1, step)]
    return members
