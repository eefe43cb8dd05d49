"""What is missing, why, and how long it will take: one subtraction per slot."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from compute.lists import kept_neighbours, unprepared
from compute.slots import candidates, slot_table
from compute.units import missing
from registry.handle import Registry
from registry.lookup import find_target
from registry.tables import Dataset, Metric, Run, Target

RATE = "entries_per_second"  # the key under which a run's counts keep what it measured


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
        estimated_seconds: at the rate that the last run on this host measured; None before the first.
    """

    target_id: int
    name: str
    new_embeddings: int
    lists_to_build: int
    new_pairs: int
    unfinished_pairs: int
    layer_pairs: int
    estimated_seconds: float | None

    @property
    def pairs(self) -> int:
        """How many pairs are missing."""
        return self.new_pairs + self.unfinished_pairs

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.pairs or self.new_embeddings)


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
        rate = _rate(session)
        return [plan_target(session, target, rate) for target in selected_targets(session, names)]


def plan_target(session: Session, target: Target, rate: float | None) -> TargetPlan:
    """Return what a run would do for one target, at a rate of list entries per second."""
    ahead = candidates(session, target)
    slots = slot_table(session, target, ahead)
    lacking = missing(slots, target.pairs)  # type: ignore[arg-type]
    untouched = slots.done_through == 0
    dataset = session.get_one(Dataset, target.dataset_id)
    k = int(session.get_one(Metric, target.metric_id).parameters["k"])
    waiting = unprepared(session, target, kept_neighbours(k, dataset.item_count))
    layer_pairs = int(lacking.layer_pairs.sum())
    return TargetPlan(
        target_id=target.id,
        name=target.name,
        new_embeddings=len(ahead),
        lists_to_build=len(waiting) + len(ahead),
        new_pairs=int(np.where(untouched, lacking.pairs, 0).sum()),
        unfinished_pairs=int(np.where(untouched, 0, lacking.pairs).sum()),
        layer_pairs=layer_pairs,
        estimated_seconds=None if rate is None else layer_pairs * dataset.item_count * k / rate,
    )


def _rate(session: Session) -> float | None:
    """Return the list entries per second that the last run on this host compared, if one measured it."""
    runs = session.scalars(
        select(Run)
        .where(Run.kind == "align run", Run.host == socket.gethostname(), Run.ended_at.is_not(None))
        .order_by(Run.id.desc())
        .limit(20)
    )
    for run in runs:
        if run.counts.get(RATE):
            return float(run.counts[RATE])
    return None
