"""What is missing, why, and how long it will take: one subtraction per slot."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from compute.footprint import added_bytes, peak_bytes
from compute.rates import Pace, null_pace, prepare_pace, score_pace
from compute.readiness import Needs, Unready, needs_of, unready
from compute.slots import candidates, layers_beyond, slot_table
from compute.units import Missing, SlotTable, missing
from registry.handle import Registry
from registry.host_rates import Rate, last_device, measured_rates
from registry.lookup import find_target
from registry.tables import Dataset, Embedding, Slot, Target, TargetExtraction

SUPERSEDED = "embedding superseded"


@dataclass(frozen=True)
class Reason:
    """One kind of missing work.

    Attributes:
        reason: `new embedding`, `embedding superseded`, `row not finished`, `null, N draws`, `neighbours to
            build` or `layers to make ready`.
        pairs: how many pairs; None where the work is not about pairs.
        layer_pairs: their layer pairs, times draws for a null.
        embeddings: how many embeddings are to be made ready; None where the work is about pairs.
        layers: their layers.
        estimated_seconds: at this host's rate; None before a first one was measured.
        is_borrowed: whether that is the rate of another metric, which does the same work.
    """

    reason: str
    pairs: int | None = None
    layer_pairs: int | None = None
    embeddings: int | None = None
    layers: int | None = None
    estimated_seconds: float | None = None
    is_borrowed: bool = False


@dataclass(frozen=True)
class TargetPlan:
    """What a run would do for a target.

    Attributes:
        target_id: which.
        name: what it is called.
        dataset: of its items.
        metric: how layers are compared.
        parameters: of the metric.
        recipe: what is done to layers first.
        reducer: of all layer pairs.
        new_embeddings: ready embeddings that will get a slot.
        lists_to_build: embeddings whose neighbour lists, or layers made ready, are not there yet and that no
            target before this one makes.
        new_pairs: pairs of rows that have not begun.
        unfinished_pairs: pairs of rows that an earlier run left half done.
        layer_pairs: layer pairs of both.
        null_pairs: pairs whose null is due: the missing ones, and those that have none or too few draws.
        null_layer_pairs: their layer pairs, times draws.
        draws: permutations of each null.
        estimated_seconds: of the scores, at the rate that was measured here; None before the first.
        estimated_null_seconds: of the nulls, likewise.
        estimated_prepare_seconds: of the lists, or of making layers ready, likewise.
        reasons: the same by kind of work, those that there are.
        peak_memory: bytes that a run for this target takes, at most.
        disk_bytes: bytes that it adds to the store and the database.
        device: where the rates were measured.
        rate_run_id: the last run that measured one of them; None where none did.
        rate_measured_at: when.
    """

    target_id: int
    name: str
    dataset: str
    metric: str
    parameters: Mapping[str, int | float | str]
    recipe: str
    reducer: str
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
    estimated_prepare_seconds: float | None
    reasons: tuple[Reason, ...]
    peak_memory: int
    disk_bytes: int
    device: str
    rate_run_id: int | None
    rate_measured_at: datetime | None

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
    host, wanted = socket.gethostname(), registry.settings.device
    with registry.read() as session:
        device = wanted if wanted != "auto" else last_device(session, host) or "cpu"
        rates = measured_rates(session, host, device)
        made: set[object] = set()
        return [
            plan_target(session, target, device, rates, made) for target in selected_targets(session, names)
        ]


def plan_target(
    session: Session, target: Target, device: str, rates: Mapping[str, Rate], made: set[object]
) -> TargetPlan:
    """Return what a run would do for one target.

    Args:
        session: to read from.
        target: which.
        device: where the rates were measured.
        rates: of this host, by kind of work.
        made: what targets before this one make of embeddings; what this one makes is added.
    """
    ahead = candidates(session, target)
    slots = slot_table(session, target, ahead)
    dataset = session.get_one(Dataset, target.dataset_id)
    needs = needs_of(session, target)
    waiting = _waiting(session, target, needs, made)
    lacking = _missing(slots, target)
    drawn = _missing(replace(slots, done_through=slots.null_through), target)
    n, info = dataset.item_count, needs.info
    paces = score_pace(rates, info), null_pace(rates, info), prepare_pace(rates, info)
    score, null, prepare = paces
    null_layer_pairs = int(drawn.layer_pairs.sum()) * target.draws
    untouched = slots.done_through == 0
    readying = prepare.seconds(waiting.layers * n * n)
    reasons = (
        *_pair_reasons(session, target, slots, lacking, untouched, score, n),
        Reason(
            f"null, {target.draws:,} draws",
            int(drawn.pairs.sum()),
            null_layer_pairs,
            estimated_seconds=null.seconds(null_layer_pairs * n),
            is_borrowed=null.is_borrowed,
        ),
        _readying(needs, waiting, readying, prepare.is_borrowed),
    )
    used = [pace.rate for pace in paces if pace.rate is not None]
    latest = max(used, key=lambda rate: rate.measured_at, default=None)
    layer_pairs = int(lacking.layer_pairs.sum())
    return TargetPlan(
        target_id=target.id,
        name=target.name,
        dataset=dataset.name,
        metric=info.name,
        parameters=needs.parameters,
        recipe=target.recipe,
        reducer=target.reducer,
        new_embeddings=len(ahead),
        lists_to_build=waiting.embeddings,
        new_pairs=int(np.where(untouched, lacking.pairs, 0).sum()),
        unfinished_pairs=int(np.where(untouched, 0, lacking.pairs).sum()),
        layer_pairs=layer_pairs,
        null_pairs=int(drawn.pairs.sum()),
        null_layer_pairs=null_layer_pairs,
        draws=target.draws,
        estimated_seconds=score.seconds(layer_pairs * n),
        estimated_null_seconds=null.seconds(null_layer_pairs * n),
        estimated_prepare_seconds=readying,
        reasons=tuple(reason for reason in reasons if reason.pairs or reason.embeddings),
        peak_memory=peak_bytes(needs, slots, lacking, drawn, n),
        disk_bytes=added_bytes(needs, waiting, int(lacking.pairs.sum()), layer_pairs, n),
        device=device,
        rate_run_id=latest.run_id if latest else None,
        rate_measured_at=latest.measured_at if latest else None,
    )


def _waiting(session: Session, target: Target, needs: Needs, made: set[object]) -> Unready:
    """Return what is to be made ready and what no target before this one makes."""
    rules = select(TargetExtraction.extraction_id).where(TargetExtraction.target_id == target.id)
    key = target.dataset_id, needs.key, frozenset(session.scalars(rules))
    if key in made:
        return Unready(0, 0)
    made.add(key)
    return unready(session, target, needs)


def _missing(slots: SlotTable, target: Target) -> Missing:
    """Return what each row lacks; all layers side by side are compared with their like alone."""
    found = missing(slots, target.pairs)  # type: ignore[arg-type]
    if not layers_beyond(target):
        return found
    own = np.maximum(slots.layers, 1)
    columns = found.layer_pairs // own  # of each row, the layers of its columns together
    return Missing(found.pairs, (own - 1) * (columns - found.pairs) + found.pairs)


def _pair_reasons(
    session: Session,
    target: Target,
    slots: SlotTable,
    lacking: Missing,
    untouched: NDArray[np.bool_],
    pace: Pace,
    item_count: int,
) -> list[Reason]:
    """Return why pairs are missing: by the row that lacks them, which is that of the later slot."""
    again = np.isin(slots.embedding, _successors(session, target)) & untouched
    kinds = (
        ("new embedding", untouched & ~again),
        (SUPERSEDED, again),
        ("row not finished", ~untouched),
    )
    found = []
    for reason, rows in kinds:
        layer_pairs = int(lacking.layer_pairs[rows].sum())
        pairs = int(lacking.pairs[rows].sum())
        seconds = pace.seconds(layer_pairs * item_count)
        found.append(
            Reason(reason, pairs, layer_pairs, estimated_seconds=seconds, is_borrowed=pace.is_borrowed)
        )
    return found


def _successors(session: Session, target: Target) -> list[int]:
    """Return the ready embeddings of checkpoints whose earlier embedding had a slot and was superseded."""
    before = (
        select(Embedding.checkpoint_id)
        .join(Slot, Slot.embedding_id == Embedding.id)
        .where(Slot.target_id == target.id, ~Slot.is_live, Slot.dead_reason == SUPERSEDED)
    )
    statement = select(Embedding.id).where(
        Embedding.checkpoint_id.in_(before),
        Embedding.dataset_id == target.dataset_id,
        Embedding.status == "ready",
    )
    return list(session.scalars(statement))


def _readying(needs: Needs, waiting: Unready, seconds: float | None, is_borrowed: bool) -> Reason:
    what = "neighbours to build" if needs.k_max is not None else "layers to make ready"
    return Reason(
        what,
        embeddings=waiting.embeddings,
        layers=waiting.layers,
        estimated_seconds=seconds,
        is_borrowed=is_borrowed,
    )
