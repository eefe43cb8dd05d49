"""What an examination finds: one sentence about one thing, and how bad it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from registry.database import translated_errors
from registry.errors import RegistryError

Level = Literal["ok", "info", "warn", "fail"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        level: ok; info: good to know; warn: works, and wants a look; fail: something does not work.
        subject: what was looked at.
        message: what it is like, and what to do about it.
    """

    level: Level
    subject: str
    message: str


def guarded(subject: str, examine: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """Return what an examination finds; one that cannot be made is a failure of its subject."""
    try:
        with translated_errors("it cannot be read"):
            return list(examine())
    except RegistryError as error:
        return [Finding("fail", subject, f"{error.message}; {error.hint}")]


def with_first(whole: str, parts: list[str], *, most: int = 3) -> str:
    """Return a sentence with the first few of the things that it is about."""
    more = f" and {len(parts) - most} more" if len(parts) > most else ""
    return f"{whole}: {', '.join(parts[:most])}{more}"
