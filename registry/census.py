"""How much the registry holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from registry.tables import Checkpoint, Dataset, Embedding, Run, Score, Table, Target


@dataclass(frozen=True)
class Census:
    """How many rows there are that count: live checkpoints, data sets, ready embeddings, targets, scores."""

    checkpoints: int
    retired_checkpoints: int
    datasets: int
    embeddings: int
    targets: int
    scores: int
    last_run: Run | None


def take_census(session: Session) -> Census:
    """Return the counts of what the registry holds, and its last run."""

    def count(table: type[Table], *conditions: Any) -> int:
        return session.scalar(select(func.count()).select_from(table).where(*conditions)) or 0

    return Census(
        checkpoints=count(Checkpoint, Checkpoint.retired_at.is_(None)),
        retired_checkpoints=count(Checkpoint, Checkpoint.retired_at.is_not(None)),
        datasets=count(Dataset),
        embeddings=count(Embedding, Embedding.status == "ready"),
        targets=count(Target),
        scores=count(Score),
        last_run=session.scalar(select(Run).order_by(Run.id.desc()).limit(1)),
    )
