"""How much of what ought to exist is there, per target."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy.orm import Session

from compute.plan import selected_targets
from compute.slots import candidates, slot_table
from compute.units import missing


@dataclass(frozen=True)
class Coverage:
    """The pairs of one target: how many are wanted now, how many are written, how many have their null."""

    target: str
    wanted: int
    fresh: int
    calibrated: int


def coverage(session: Session) -> list[Coverage]:
    """Return the coverage of every target, embeddings that have no slot yet included."""
    found = []
    for target in selected_targets(session, None):
        slots = slot_table(session, target, candidates(session, target))
        untouched = replace(slots, done_through=np.zeros_like(slots.done_through))
        wanted = int(missing(untouched, target.pairs).pairs.sum())  # type: ignore[arg-type]
        lacking = int(missing(slots, target.pairs).pairs.sum())  # type: ignore[arg-type]
        nulls = replace(slots, done_through=slots.null_through)
        without_null = int(missing(nulls, target.pairs).pairs.sum())  # type: ignore[arg-type]
        found.append(Coverage(target.name, wanted, wanted - lacking, wanted - without_null))
    return found
