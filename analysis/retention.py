"""Which snapshots are kept: the last seven, everything younger than a day, and those that have a name."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

KEPT_COUNT = 7
KEPT_AGE = timedelta(days=1)


class Dated(Protocol):
    """What retention looks at."""

    @property
    def number(self) -> int:
        """The snapshot's number."""

    @property
    def name(self) -> str | None:
        """What it is kept as, None if nobody asked."""

    @property
    def created_at(self) -> datetime:
        """When it was made."""


def expired(snapshots: Iterable[Dated], now: datetime) -> list[int]:
    """Return the numbers of the snapshots that nothing keeps at a moment, the oldest first."""
    newest_first = sorted(snapshots, key=lambda snapshot: snapshot.number, reverse=True)
    return sorted(
        snapshot.number
        for snapshot in newest_first[KEPT_COUNT:]
        if snapshot.name is None and now - snapshot.created_at >= KEPT_AGE
    )
