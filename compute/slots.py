"""Slots on the real tables: who ought to have one, who gets one, and what the matrix looks like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import Select, exists, func, insert, select
from sqlalchemy.orm import Session

from compute.catalogue import metric_info
from compute.forms import UNFIT
from compute.recipe import parse_recipe
from compute.units import SlotTable
from registry.tables import Checkpoint, Embedding, Failure, Metric, Slot, Target, TargetExtraction


@dataclass(frozen=True)
class Candidate:
    """A ready embedding in a target's scope that has no live slot."""

    embedding_id: int
    modality: str
    layers: int


def layers_beyond(target: Target) -> int:
    """Return how many layers a target has beside those of an embedding: 1 for all of them side by side."""
    return int(parse_recipe(target.recipe).concatenation is not None)


def _kinds(target: Target, metric: str) -> tuple[str, ...]:
    """Return which kinds of embeddings a target can take.

    A kernel or distances have neighbours and no features; distances have no mean that could be taken away,
    and neither can be laid side by side.
    """
    rule = parse_recipe(target.recipe)
    if metric_info(metric).needs == "features" or rule.concatenation is not None:
        return ("features",)
    if any(step not in {"centre", "l2"} for step in rule.steps):
        return ("features",)
    return ("features", "kernel") if rule.steps else ("features", "kernel", "distances")


def candidates_statement(target: Target, metric: str) -> Select[int, str, int]:
    """Return the query for ready embeddings in scope without a live slot, in order of arrival.

    Those that the metric was found not to be defined for are left out.
    """
    has_slot = exists().where(Slot.target_id == target.id, Slot.embedding_id == Embedding.id, Slot.is_live)
    is_unfit = exists().where(
        Failure.stage == UNFIT,
        Failure.subject == "embedding " + Embedding.content_key + f" in target {target.content_key}",
    )
    kinds = _kinds(target, metric)
    return (
        select(Embedding.id, TargetExtraction.modality, Embedding.layer_count + layers_beyond(target))
        .join(Checkpoint, Checkpoint.id == Embedding.checkpoint_id)
        .join(
            TargetExtraction,
            (TargetExtraction.extraction_id == Embedding.extraction_id)
            & (TargetExtraction.target_id == target.id),
        )
        .where(
            Embedding.dataset_id == target.dataset_id,
            Embedding.status == "ready",
            Embedding.kind.in_(kinds),
            Checkpoint.retired_at.is_(None),
            ~has_slot,
            ~is_unfit,
        )
        .order_by(Embedding.id)
    )


def candidates(session: Session, target: Target) -> list[Candidate]:
    """Return the embeddings that the next run will give a slot."""
    statement = candidates_statement(target, _metric_name(session, target))
    return [Candidate(*row) for row in session.execute(statement)]


def _metric_name(session: Session, target: Target) -> str:
    return session.get_one(Metric, target.metric_id).name


def assign_slots(session: Session, target: Target) -> int:
    """Give a slot to every candidate, at the end of the matrix, and return how many there were.

    Only the holder of the lock may call this. The rows it decides by are locked against change, so that a
    checkpoint retired in the same moment either is seen as retired or finds its new slot and kills it.
    """
    statement = candidates_statement(target, _metric_name(session, target)).with_for_update(
        read=True, of=[Checkpoint, Embedding]
    )
    found = [Candidate(*row) for row in session.execute(statement)]
    first = session.scalar(
        select(func.coalesce(func.max(Slot.slot) + 1, 0)).where(Slot.target_id == target.id)
    )
    rows = [
        {
            "target_id": target.id,
            "slot": (first or 0) + index,
            "embedding_id": candidate.embedding_id,
            "is_live": True,
            "done_through": 0,
            "null_through": 0,
        }
        for index, candidate in enumerate(found)
    ]
    if rows:
        session.execute(insert(Slot), rows)
    return len(rows)


def slot_table(session: Session, target: Target, ahead: list[Candidate]) -> SlotTable:
    """Return a target's matrix, with the candidates as the slots that they are going to get."""
    statement = (
        select(
            Slot.slot,
            Slot.embedding_id,
            Slot.is_live,
            Slot.done_through,
            Slot.null_through,
            TargetExtraction.modality,
            Embedding.layer_count + layers_beyond(target),
        )
        .join(Embedding, Embedding.id == Slot.embedding_id)
        .join(
            TargetExtraction,
            (TargetExtraction.target_id == Slot.target_id)
            & (TargetExtraction.extraction_id == Embedding.extraction_id),
        )
        .where(Slot.target_id == target.id)
        .order_by(Slot.slot)
    )
    rows: list[tuple[Any, ...]] = [tuple(row) for row in session.execute(statement)]
    size = rows[-1][0] + 1 if rows else 0
    rows += [
        (size + index, candidate.embedding_id, True, 0, 0, candidate.modality, candidate.layers)
        for index, candidate in enumerate(ahead)
    ]
    return _table(rows, size + len(ahead))


def _table(rows: list[tuple[Any, ...]], size: int) -> SlotTable:
    modalities = sorted({row[5] for row in rows})
    code = {modality: index for index, modality in enumerate(modalities)}
    table = SlotTable(
        embedding=np.zeros(size, np.int64),
        modality=np.zeros(size, np.int64),
        layers=np.zeros(size, np.int64),
        is_live=np.zeros(size, np.bool_),
        done_through=np.zeros(size, np.int64),
        reach=np.arange(size),
        null_through=np.zeros(size, np.int64),
    )
    if rows:
        slots, embeddings, live, done, nulls, kinds, layers = zip(*rows, strict=True)
        at = np.array(slots)
        table.embedding[at] = embeddings
        table.is_live[at] = live
        table.done_through[at] = done
        table.null_through[at] = nulls
        table.modality[at] = [code[kind] for kind in kinds]
        table.layers[at] = layers
    return table
