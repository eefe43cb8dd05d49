"""The rows of the registry that one pair of checkpoints has under one target."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from compute.forms import unfit_subject
from compute.readiness import Needs, needs_of
from compute.slots import candidates_statement
from registry.lookup import current_name
from registry.tables import (
    Alignment,
    Checkpoint,
    Dataset,
    Embedding,
    Extraction,
    Failure,
    Part,
    Slot,
    Target,
    TargetExtraction,
)

ALL_LAYERS = "all layers side by side"
_BLOCK = re.compile(r"target (?P<name>.*) rows (\d+)-(\d+) columns (\d+)-(\d+)")


@dataclass(frozen=True)
class Side:
    """One checkpoint of a pair, as far as a target sees it.

    Attributes:
        checkpoint: which.
        name: what it is called.
        is_in_scope: whether the target takes its modality.
        embedding: the ready one by the target's rule, else the latest; None where there is none.
        slot: its live slot.
        dead_reason: why its last slot died, where none is live.
        is_candidate: whether the next run gives it a slot.
        has_material: whether its lists, or layers made ready, are there; None without a ready embedding.
        failures: what did not work, in words.
    """

    checkpoint: Checkpoint
    name: str
    is_in_scope: bool
    embedding: Embedding | None = None
    slot: int | None = None
    dead_reason: str | None = None
    is_candidate: bool = False
    has_material: bool | None = None
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class PairScore:
    """One alignment row, from `source` to `destination`; left and right as they were asked for."""

    source: str
    destination: str
    score: float
    left_layer: str
    right_layer: str
    layer_pairs: int
    run_id: int
    computed_at: datetime
    draws: int | None
    null_mean: float | None
    p: float | None


@dataclass(frozen=True)
class PairRows:
    """All of it. `material` says what embeddings need to have: `neighbours` or `layers`."""

    left: Side
    right: Side
    dataset: str
    recipe: str
    material: str
    scores: tuple[PairScore, ...]
    failures: tuple[str, ...]


def find_pair_rows(session: Session, target: Target, left: Checkpoint, right: Checkpoint) -> PairRows:
    """Return the rows that a pair has under a target, whichever of them are there."""
    needs = needs_of(session, target)
    sides = _side(session, target, needs, left), _side(session, target, needs, right)
    return PairRows(
        left=sides[0],
        right=sides[1],
        dataset=session.get_one(Dataset, target.dataset_id).name,
        recipe=target.recipe,
        material=needs.words,
        scores=_scores(session, target, *sides),
        failures=_pair_failures(session, target, *sides),
    )


def _side(session: Session, target: Target, needs: Needs, checkpoint: Checkpoint) -> Side:
    name = current_name(session, checkpoint.id)
    extraction_id = session.scalar(
        select(TargetExtraction.extraction_id)
        .join(Extraction, Extraction.id == TargetExtraction.extraction_id)
        .where(TargetExtraction.target_id == target.id, Extraction.modality == checkpoint.modality)
    )
    if extraction_id is None:
        return Side(checkpoint, name, is_in_scope=False)
    statement = (
        select(Embedding)
        .where(
            Embedding.checkpoint_id == checkpoint.id,
            Embedding.dataset_id == target.dataset_id,
            Embedding.extraction_id == extraction_id,
        )
        .order_by((Embedding.status == "ready").desc(), Embedding.id.desc())
        .limit(1)
    )
    embedding = session.scalar(statement)
    if embedding is None:
        subject = f"checkpoint {checkpoint.id}, dataset {target.dataset_id}, extraction {extraction_id}"
        return Side(checkpoint, name, is_in_scope=True, failures=_failures(session, [subject]))
    of_it = (Slot.target_id == target.id, Slot.embedding_id == embedding.id)
    dead = select(Slot.dead_reason).where(*of_it, ~Slot.is_live).order_by(Slot.slot.desc()).limit(1)
    ahead = candidates_statement(target, needs.info.name).where(Embedding.id == embedding.id)
    subjects = [
        f"embedding {embedding.content_key}",
        unfit_subject(embedding.content_key, target.content_key),
    ]
    has_material = session.scalar(select(Embedding.id).where(Embedding.id == embedding.id, needs.is_there))
    return Side(
        checkpoint,
        name,
        is_in_scope=True,
        embedding=embedding,
        slot=session.scalar(select(Slot.slot).where(*of_it, Slot.is_live)),
        dead_reason=session.scalar(dead),
        is_candidate=session.execute(ahead).first() is not None,
        has_material=has_material is not None if embedding.status == "ready" else None,
        failures=_failures(session, subjects),
    )


def _scores(session: Session, target: Target, left: Side, right: Side) -> tuple[PairScore, ...]:
    """Return the rows of a pair, that from left to right first."""
    if left.slot is None or right.slot is None:
        return ()
    first, second = sorted((left.slot, right.slot))
    statement = (
        select(Alignment, Part)
        .join(Part, Part.id == Alignment.part_id)
        .where(
            Alignment.target_id == target.id,
            Alignment.row_slot == second,
            Alignment.column_slot == first,
        )
        .order_by(Alignment.direction)
    )
    is_turned = left.slot > right.slot
    found = [_score(row, part, left, right, is_turned) for row, part in session.execute(statement)]
    return tuple(sorted(found, key=lambda score: score.source != left.name))


def _score(row: Alignment, part: Part, left: Side, right: Side, is_turned: bool) -> PairScore:
    """Return a row as it was asked for: the column slot is the left of the table, direction 0 leaves it."""
    from_left = (row.direction == 0) != is_turned
    layers = (row.row_layer, row.column_layer) if is_turned else (row.column_layer, row.row_layer)
    return PairScore(
        source=left.name if from_left else right.name,
        destination=right.name if from_left else left.name,
        score=row.score,
        left_layer=_layer_name(left, layers[0]),
        right_layer=_layer_name(right, layers[1]),
        layer_pairs=row.layer_pairs,
        run_id=part.run_id,
        computed_at=part.created_at,
        draws=row.draws,
        null_mean=row.null_mean,
        p=row.p,
    )


def _layer_name(side: Side, layer: int) -> str:
    names = side.embedding.layer_names if side.embedding is not None else []
    return names[layer] if layer < len(names) else ALL_LAYERS


def _failures(session: Session, subjects: list[str]) -> tuple[str, ...]:
    rows = session.scalars(select(Failure).where(Failure.subject.in_(subjects)).order_by(Failure.last_at))
    return tuple(_failure_text(row) for row in rows)


def _pair_failures(session: Session, target: Target, left: Side, right: Side) -> tuple[str, ...]:
    """Return the failures of the target as a whole, and of units that hold the pair."""
    subject = f"target {target.name}"
    statement = select(Failure).where(Failure.subject.startswith(subject, autoescape=True))
    rows = session.scalars(statement.order_by(Failure.last_at))
    return tuple(
        _failure_text(row)
        for row in rows
        if row.subject == subject or _holds_pair(row.subject, target.name, left.slot, right.slot)
    )


def _holds_pair(subject: str, target: str, left: int | None, right: int | None) -> bool:
    found = _BLOCK.fullmatch(subject)
    if found is None or found["name"] != target or left is None or right is None:
        return False
    first_row, last_row, first_column, last_column = (int(found[index]) for index in range(2, 6))
    row, column = max(left, right), min(left, right)
    return first_row <= row <= last_row and first_column <= column <= last_column


def _failure_text(row: Failure) -> str:
    times = "once" if row.attempts == 1 else f"{row.attempts} times"
    return f"{row.stage} failed {times}, last {row.last_at:%Y-%m-%d %H:%M} UTC: {row.last_error}"
