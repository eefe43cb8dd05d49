"""Which rows the alignment of one pair depends on, which of them are missing, and what to run next."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from compute.pair_rows import PairRows, Side, find_pair_rows
from compute.plan import selected_targets
from registry.errors import UsageError
from registry.lookup import current_name
from registry.tables import Checkpoint, Dataset, Metric, Target

Status = Literal["fresh", "scored", "missing", "blocked", "not wanted"]


@dataclass(frozen=True)
class Link:
    """One thing that a pair depends on.

    Attributes:
        what: `checkpoint`, `embedding`, `slot`, `neighbours` or `layers`, `alignment`, `null`, `failure`.
        of: the checkpoint that it belongs to; empty for what belongs to the pair.
        is_there: whether it is as it ought to be.
        state: how it is, in words.
    """

    what: str
    of: str
    is_there: bool
    state: str


@dataclass(frozen=True)
class Explanation:
    """Why a pair of checkpoints has or has not its alignment under a target.

    Attributes:
        target: its name.
        dataset: of its items.
        metric: how layers are compared.
        parameters: of the metric.
        recipe: what is done to layers first.
        status: `fresh` with its null, `scored` without, `missing` though everything is there to compute it,
            `blocked` by what the links say, or `not wanted` by the target.
        reason: the same in a sentence.
        links: what the pair depends on, in the order in which it comes about.
        next_command: what brings it about; None where nothing is missing, or where no command can.
    """

    target: str
    dataset: str
    metric: str
    parameters: dict[str, Any]
    recipe: str
    status: Status
    reason: str
    links: tuple[Link, ...]
    next_command: str | None


def explain(
    session: Session, left: Checkpoint, right: Checkpoint, targets: Sequence[str] | None = None
) -> list[Explanation]:
    """Return for each of some targets, or of all, how the pair of two checkpoints stands.

    Raises:
        NotFoundError: there is no target of one of the names.
        UsageError: the two checkpoints are one.
    """
    if left.id == right.id:
        name = current_name(session, left.id)
        raise UsageError(f"'{name}' is given twice", hint="a pair is of two different checkpoints")
    return [_explain(session, target, left, right) for target in selected_targets(session, targets)]


def _explain(session: Session, target: Target, left: Checkpoint, right: Checkpoint) -> Explanation:
    rows = find_pair_rows(session, target, left, right)
    links = (*_side_links(rows.left, rows), *_side_links(rows.right, rows), *_pair_links(rows, target))
    status, reason, command = _verdict(rows, target, links)
    metric = session.get_one(Metric, target.metric_id)
    return Explanation(
        target=target.name,
        dataset=session.get_one(Dataset, target.dataset_id).name,
        metric=metric.name,
        parameters=dict(metric.parameters),
        recipe=target.recipe,
        status=status,
        reason=reason,
        links=links,
        next_command=command,
    )


def _side_links(side: Side, rows: PairRows) -> Iterable[Link]:
    name = side.name
    retired = side.checkpoint.retired_reason
    state = side.checkpoint.reference if retired is None else f"retired: {retired}"
    yield Link("checkpoint", name, retired is None, state)
    embedding = side.embedding
    if embedding is None:
        state = (
            f"the target takes no {side.checkpoint.modality}"
            if not side.is_in_scope
            else "none by the target's rule"
        )
        yield Link("embedding", name, False, state)
    else:
        layers = "1 layer" if embedding.layer_count == 1 else f"{embedding.layer_count} layers"
        yield Link(
            "embedding",
            name,
            embedding.status == "ready",
            f"{embedding.status}, {layers} (embedding {embedding.id}, {embedding.created_at:%Y-%m-%d})",
        )
        yield Link("slot", name, side.slot is not None, _slot_state(side))
        if side.has_material is not None:
            state = f"made by '{rows.recipe}'" if side.has_material else "not made yet"
            yield Link(rows.material, name, side.has_material, state)
    for failure in side.failures:
        yield Link("failure", name, False, failure)


def _slot_state(side: Side) -> str:
    if side.slot is not None:
        return f"live, number {side.slot}"
    if side.dead_reason is not None:
        return f"dead: {side.dead_reason}"
    if side.is_candidate:
        return "none yet; the next run gives it one"
    return f"none: the target cannot take {side.embedding.kind}" if side.embedding else "none"


def _pair_links(rows: PairRows, target: Target) -> Iterable[Link]:
    if not rows.scores:
        yield Link("alignment", "", False, "none")
    for score in rows.scores:
        way = f"{score.source} to {score.destination}: " if len(rows.scores) > 1 else ""
        layers = f"{score.left_layer} x {score.right_layer} of {score.layer_pairs} layer pairs"
        computed = f"run {score.run_id}, {score.computed_at:%Y-%m-%d %H:%M} UTC"
        yield Link("alignment", "", True, f"{way}{score.score:.4f} at {layers}, {computed}")
        if score.draws is None:
            yield Link("null", "", False, f"{way}not drawn yet, {target.draws} draws wanted")
        else:
            short = "" if score.draws >= target.draws else f", {target.draws} wanted"
            state = f"{way}{score.draws} draws{short}, mean {score.null_mean:.4f}, p {score.p:.3g}"
            yield Link("null", "", not short, state)
    for failure in rows.failures:
        yield Link("failure", "", False, failure)


def _verdict(rows: PairRows, target: Target, links: Sequence[Link]) -> tuple[Status, str, str | None]:
    """Return the status, its sentence, and the next command."""
    run = f"cavewall align run {target.name}"
    for side in (rows.left, rows.right):
        if not side.is_in_scope:
            return "not wanted", f"the target takes no {side.checkpoint.modality} checkpoint", None
    if target.pairs == "across" and rows.left.checkpoint.modality == rows.right.checkpoint.modality:
        modality = rows.left.checkpoint.modality
        return "not wanted", f"both are {modality}, and the target pairs modalities across only", None
    for side in (rows.left, rows.right):
        blocked = _blocked(side, rows.dataset)
        if blocked is not None:
            return "blocked", *blocked
    if not rows.scores:
        failed = [link.state for link in links if link.what == "failure"]
        reason = (
            f"it failed: {failed[-1]}" if failed else "everything that it needs is there; no run came yet"
        )
        return "missing", reason, run
    if any(link.what == "null" and not link.is_there for link in links):
        return "scored", "its null is due", run
    return "fresh", "nothing is missing", None


def _blocked(side: Side, dataset: str) -> tuple[str, str | None] | None:
    """Return why a side keeps its pairs from being computed, and what would help."""
    name, embedding = side.name, side.embedding
    if side.checkpoint.retired_reason is not None:
        return f"{name} is retired: {side.checkpoint.retired_reason}", f"cavewall checkpoint restore {name}"
    extract = f"cavewall embed extract {name} --dataset {dataset}"
    if embedding is None:
        failed = f", and the last attempt failed: {side.failures[-1]}" if side.failures else ""
        return f"{name} has no embedding of {dataset} by the target's rule{failed}", extract
    if embedding.status != "ready":
        return f"the embedding of {name} is {embedding.status}", extract
    if side.slot is None and not side.is_candidate:
        why = side.dead_reason or (side.failures[-1] if side.failures else f"it holds {embedding.kind}")
        return f"the target cannot take the embedding of {name}: {why}", None
    return None
