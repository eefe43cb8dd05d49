"""Two alignments that share a side, compared item by item: does one network align more than another?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from compute.catalogue import metric_info
from compute.listcache import ListCache
from compute.lists import kept_for
from registry.errors import MissingExtra, NotFoundError, UsageError
from registry.handle import Registry
from registry.lookup import current_name
from registry.tables import Alignment, Dataset, Embedding, Metric, Slot, Target

if TYPE_CHECKING:
    from compute.metrics.contract import LayerMetric


@dataclass(frozen=True)
class Compared:
    """How much more `first` aligns with `partner` than `second` does, over the same items.

    Attributes:
        first_score: alignment of the first with the partner.
        second_score: alignment of the second with the partner.
        difference: first minus second.
        se: standard error of the difference, from the per-item overlaps at each pair's own best layers.
        ci_low: lower end of its 95 % interval.
        ci_high: upper end of its 95 % interval.
        p: two-sided, by the normal distribution.
    """

    first_score: float
    second_score: float
    difference: float
    se: float
    ci_low: float
    ci_high: float
    p: float


@dataclass(frozen=True)
class _Side:
    """The layer of one embedding that gave a pair its score."""

    embedding_id: int
    layer: int


def compare_alignments(
    registry: Registry, target: Target, *, partner_id: int, first_id: int, second_id: int
) -> Compared:
    """Compare two checkpoints by their alignment with a third, paired over the items.

    The layers are those that gave each score, so that their choice raises both sides alike.

    Args:
        registry: where.
        target: of which matrix.
        partner_id: the checkpoint that both are compared with.
        first_id: a checkpoint.
        second_id: another.

    Raises:
        NotFoundError: one of the two pairs is not computed.
        UsageError: the metric is no mean over items.
        StoreError: a neighbour list is missing or damaged.
        MissingExtra: numba is not installed.
    """
    try:
        from compute.intervals import paired_difference
        from compute.metrics.engines import engine_of
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"comparing alignments needs the library {error.name}", hint="pip install 'cavewall[models]'"
        ) from error
    with registry.read() as session:
        pairs = [_pair(session, target, partner_id, other) for other in (first_id, second_id)]
        row = session.get_one(Metric, target.metric_id)
        if not metric_info(row.name).has_interval:
            raise UsageError(
                f"{row.name} is no mean over items, so that nothing is known of its difference",
                hint="compare by a target of a metric on neighbours, for example mutual_knn",
            )
        k_max = kept_for(session, target)
    lists = ListCache(registry, target.recipe, k_max)
    metric = engine_of(row.name, row.parameters)
    first, second = (_item_values(lists, pair, metric) for pair in pairs)
    found = paired_difference(first, second)
    return Compared(
        float(first.mean()), float(second.mean()), found.value, found.se, found.ci_low, found.ci_high, found.p
    )


def _item_values(lists: ListCache, pair: tuple[_Side, _Side], metric: LayerMetric) -> NDArray[np.float64]:
    left, right = ({"indices": lists.get(side.embedding_id)[side.layer]} for side in pair)
    values = metric.item_values(left, right)
    if values is None:
        raise ValueError("the metric is no mean over items")
    forward: NDArray[np.float64] = values[0]
    return forward


def _pair(session: Session, target: Target, one: int, other: int) -> tuple[_Side, _Side]:
    slot = {checkpoint: _live_slot(session, target, checkpoint) for checkpoint in (one, other)}
    found = session.scalar(
        select(Alignment).where(
            Alignment.target_id == target.id,
            Alignment.direction == 0,
            or_(
                (Alignment.row_slot == slot[one].slot) & (Alignment.column_slot == slot[other].slot),
                (Alignment.row_slot == slot[other].slot) & (Alignment.column_slot == slot[one].slot),
            ),
        )
    )
    if found is None:
        names = f"{current_name(session, one)} and {current_name(session, other)}"
        raise NotFoundError(
            f"{target.name} has no alignment of {names}", hint="compute what is missing: cavewall align run"
        )
    by_slot = {found.row_slot: found.row_layer, found.column_slot: found.column_layer}
    return tuple(  # type: ignore[return-value]
        _Side(slot[checkpoint].embedding_id, by_slot[slot[checkpoint].slot]) for checkpoint in (one, other)
    )


def _live_slot(session: Session, target: Target, checkpoint_id: int) -> Slot:
    found = session.scalar(
        select(Slot)
        .join(Embedding, Embedding.id == Slot.embedding_id)
        .where(Slot.target_id == target.id, Slot.is_live, Embedding.checkpoint_id == checkpoint_id)
    )
    if found is None:
        dataset = session.get_one(Dataset, target.dataset_id).name
        raise NotFoundError(
            f"{current_name(session, checkpoint_id)} has no place in {target.name}",
            hint=f"embed it on {dataset} and compute: cavewall embed extract; cavewall align run",
        )
    return found
