"""A negative control: an embedding whose items were shuffled must not align with anything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from cavewall.demo.journey import DemoZoo
from compute.listcache import ListCache
from compute.lists import kept_for
from registry.lookup import find_checkpoint, find_target
from registry.tables import Embedding, Metric, Slot, Target

DRAWS = 500  # enough for a single discovery among the demo's partners
LEVEL = 0.05
ALLOWED_SD = 5


@dataclass(frozen=True)
class Shuffled:
    """What a shuffled copy found.

    Attributes:
        partner_count: embeddings that it was compared with, its original among them.
        draws: permutations of the null.
        smallest_p: of all partners.
        discoveries: p values that are discoveries after Benjamini-Hochberg.
        layer_pair_count: pairs of its layers with theirs.
        largest_distance: how far the score of one such pair is from k / (n - 1) at most, in its null's sd.
    """

    partner_count: int
    draws: int
    smallest_p: float
    discoveries: list[float]
    layer_pair_count: int
    largest_distance: float


def shuffled_copy(zoo: DemoZoo, name: str) -> Shuffled:
    """Compare a shuffled copy of a checkpoint's embedding with every embedding; nothing is written."""
    with zoo.registry.read() as session:
        target = find_target(session, zoo.target.name)
        k = int(session.get_one(Metric, target.metric_id).parameters["k"])
        original = find_checkpoint(session, name).id
        statement = (
            select(Embedding)
            .join(Slot, Slot.embedding_id == Embedding.id)
            .where(Slot.target_id == target.id, Slot.is_live)
            .order_by(Slot.slot)
        )
        partners = list(session.scalars(statement))
        lists = ListCache(zoo.registry, target.recipe, kept_for(session, target))
    observed, draws, layer_counts = _counts(lists, partners, original, k, target, zoo.item_count)
    return _judged(observed, draws, layer_counts, k, zoo.item_count)


def _counts(
    lists: ListCache, partners: list[Embedding], original: int, k: int, target: Target, n: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the grid of the copy's layers x all layers, observed and in every draw, and the layer counts."""
    from compute.metrics.mutual_knn import MutualKnn
    from compute.null import draw_key
    from compute.schemes import all_items

    scheme, metric = all_items(n), MutualKnn(k=k)
    (source,) = [partner for partner in partners if partner.checkpoint_id == original]
    own = metric.stack([{"indices": lists.get(source.id)}])
    others = metric.stack([{"indices": lists.get(partner.id)} for partner in partners])
    copy = metric.permuted(own, [scheme.order(f"shuffled copy {source.content_key}")])
    orders = (scheme.order(draw_key(target.seed, draw, "shuffled copy")) for draw in range(DRAWS))
    observed = metric.grid(copy, others)[0]
    draws = np.stack([metric.grid(metric.permuted(copy, [order]), others)[0] for order in orders])
    return observed, draws, others.layer_counts


def _judged(
    observed: NDArray[np.int64], draws: NDArray[np.int64], layer_counts: NDArray[np.int64], k: int, n: int
) -> Shuffled:
    from scipy.stats import false_discovery_control

    from compute.null import calibrate
    from compute.reduction import offsets_of

    starts = offsets_of(layer_counts)[:-1]
    best = np.maximum.reduceat(observed.max(axis=0), starts)
    drawn = np.maximum.reduceat(draws.max(axis=1), starts, axis=1)
    p = calibrate(best, drawn, alpha=LEVEL, highest=n * k).p
    adjusted = false_discovery_control(p, method="bh")
    distance = np.abs(observed - n * k * k / (n - 1)) / draws.std(axis=0, ddof=1)
    return Shuffled(
        partner_count=len(layer_counts),
        draws=len(draws),
        smallest_p=float(p.min()),
        discoveries=[float(value) for value, q in zip(p, adjusted, strict=True) if q <= LEVEL],
        layer_pair_count=observed.size,
        largest_distance=float(distance.max()),
    )
