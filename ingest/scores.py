"""Claims about checkpoints' results: who says them, and whether they can be true."""

from __future__ import annotations

from sqlalchemy.orm import Session

from ingest.rows import get_or_add
from registry.clock import now
from registry.tables import Source

OWN = "own evaluation"


def own_evaluation(session: Session) -> Source:
    """Return the source of what this program measures itself."""
    return get_or_add(
        session,
        Source,
        Source.name == OWN,
        lambda: Source(name=OWN, kind=OWN, trust="high", created_at=now()),
    )
