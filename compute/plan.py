"""What is missing, why, and how long it will take: one subtraction per slot."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from compute.lists import kept_for, unprepared
from compute.slots import candidates, slot_table
from compute.units import missing
from registry.handle import Registry
from registry.lookup import find_target
from registry.tables import Dataset, Metric, Run, Target

# The keys under which a run's counts keep what it measured: list entries per second.
RATE = "entries_per_second"
NULL_RATE = "drawn_entries_per_second"


@dataclass(frozen=True)
class TargetPlan:
    """What a run would do for a target.

    Attributes:
        target_id: which.
        name: what it is called.
        new_embeddings: ready embeddings that will get a slot.
        lists_to_build: embeddings whose neighbour lists are not there, new ones among them.
        new_pairs: pairs of rows that have not begun.
        unfinished_pairs: pairs of rows that an earlier run left half done.
        layer_pairs: layer pairs of both.
        null_pairs: pairs whose null is due: the missing ones, and those that have none or too few draws.
        null_layer_pairs: their layer pairs, times draws.
        draws: permutations of each null.
        estimated_seconds: of the scores, at the rate that the last run here measured; None before the first.
        estimated_null_seconds: of the nulls, likewise.
    """

    target_id: int
    name: str
    new_embeddings: int
    lists_to_build: int
    new_pairs: int
    unfinished_pairs: int
    layer_pairs: int
    null_pairs: int
    null_layer_pairs: int
    draws: int
    estimated_seconds: float | None
    estimated_null_seconds: float | None

    @property
    def pairs(self) -> int:
        """How many pairs are missing."""
        return self.new_pairs + self.unfinished_pairs

    def is_empty(self, *, null: bool = True) -> bool:
        """Return whether there is nothing to do, nulls aside or not."""
        return not (self.pairs or self.new_embeddings or (null and self.null_pairs))


def selected_targets(session: Session, names: Sequence[str] | None) -> list[Target]:
    """Return the targets of some names, or all of them."""
    if names:
        return [find_target(session, name) for name in names]
    return list(session.scalars(select(Target).order_by(Target.id)))


def make_plan(registry: Registry, names: Sequence[str] | None = None) -> list[TargetPlan]:
    """Return what a run would do now, per target.

    Raises:
        NotFoundError: there is no target of one of the names.
    """
    with registry.read() as session:
        rates = _rate(session, RATE), _rate(session, NULL_RATE)
        return [plan_target(session, target, *rates) for target in selected_targets(session, names)]


def plan_target(session: Session, target: Target, rate: float | None, null_rate: float | None) -> TargetPlan:
    """Return what a run would do for one target, at rates of list entries per second."""
    ahead = candidates(session, target)
    slots = slot_table(session, target, ahead)
    lacking = missing(slots, target.pairs)  # type: ignore[arg-type]
    untouched = slots.done_through == 0
    dataset = session.get_one(Dataset, target.dataset_id)
    k = int(session.get_one(Metric, target.metric_id).parameters["k"])
    waiting = unprepared(session, target, kept_for(session, target))
    layer_pairs = int(lacking.layer_pairs.sum())
    without_null = missing(replace(slots, done_through=slots.null_through), target.pairs)  # type: ignore[arg-type]
    drawn = int(without_null.layer_pairs.sum()) * target.draws
    entries = dataset.item_count * k
    return TargetPlan(
        target_id=target.id,
        name=target.name,
        new_embeddings=len(ahead),
        lists_to_build=len(waiting) + len(ahead),
        new_pairs=int(np.where(untouched, lacking.pairs, 0).sum()),
        unfinished_pairs=int(np.where(untouched, 0, lacking.pairs).sum()),
        layer_pairs=layer_pairs,
        null_pairs=int(without_null.pairs.sum()),
        null_layer_pairs=drawn,
        draws=target.draws,
        estimated_seconds=None if rate is None else layer_pairs * entries / rate,
        estimated_null_seconds=None if null_rate is None else drawn * entries / null_rate,
    )


def _rate(session: Session, key: str) -> float | None:
    """Return the list entries per second that the last run on this host compared, if one measured it."""
    runs = session.scalars(
        select(Run)
        .where(Run.kind == "align run", Run.host == socket.gethostname(), Run.ended_at.is_not(None))
        .order_by(Run.id.desc())
        .limit(20)
    )
    for run in runs:
        if run.counts.get(key):
            return float(run.counts[key])
    return None
