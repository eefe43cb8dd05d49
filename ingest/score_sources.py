"""Sources of scores: who says them, how far they are trusted, and since when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast, get_args

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.rows import get_or_add
from registry.clock import now
from registry.errors import ConflictError, UsageError
from registry.tables import Source
from registry.tables.scores import SourceKind, Trust

OWN: SourceKind = "own evaluation"
TRUST_BY_KIND: dict[SourceKind, Trust] = {
    "own evaluation": "high",
    "harness run": "high",
    "paper": "medium",
    "leaderboard": "low",
}


@dataclass(frozen=True)
class SourceDescription:
    """Who says a score; what is None stays as it is registered.

    A new source needs its kind, and is trusted as its kind is where nothing else is said.
    """

    name: str
    kind: SourceKind | None = None
    trust: Trust | None = None
    url: str | None = None
    published_at: datetime | None = None


def own_evaluation(session: Session) -> Source:
    """Return the source of what this program measures itself."""
    return ensure_source(session, OWN, OWN)


def ensure_source(
    session: Session,
    name: str,
    kind: SourceKind | None = None,
    *,
    trust: Trust | None = None,
    url: str | None = None,
    published_at: datetime | None = None,
) -> Source:
    """Return the source of a name, which is made where it is missing.

    Args:
        session: where; the caller commits.
        name: of the paper, the leaderboard, the harness run or the evaluation.
        kind: which of these it is; needed for a new one.
        trust: how far it is trusted; as its kind is (`TRUST_BY_KIND`) where a new one has none.
        url: where it can be read.
        published_at: when it was published; of two claims that are trusted alike, the newer is current.

    Raises:
        UsageError: it is new and has no kind, or there is no such kind.
        ConflictError: it is registered as something else.
    """
    if kind is None and session.scalar(select(Source.id).where(Source.name == name)) is None:
        raise UsageError(
            f"source {name} is new, and nothing says what it is",
            hint=f"say its kind: {', '.join(get_args(SourceKind))}",
        )
    if kind is not None and kind not in TRUST_BY_KIND:
        raise UsageError(f"a source is no '{kind}'", hint=f"its kind is one of {', '.join(TRUST_BY_KIND)}")
    said = {"kind": kind, "trust": trust, "url": url, "published_at": published_at}

    def make() -> Source:
        new = cast("SourceKind", kind)
        return Source(name=name, created_at=now(), **(said | {"trust": trust or TRUST_BY_KIND[new]}))

    row = get_or_add(session, Source, Source.name == name, make)
    for fact, value in said.items():
        stored = getattr(row, fact)
        if value is not None and stored is None:
            setattr(row, fact, value)
        elif value is not None and stored != value:
            what = fact.removesuffix("_at")
            raise ConflictError(
                f"source {name} is registered with {what} {_text(stored)}, not {_text(value)}",
                hint="a source does not change: give another edition a name of its own",
            )
    return row


def _text(fact: object) -> str:
    return f"{fact:%Y-%m-%d}" if isinstance(fact, datetime) else str(fact)
