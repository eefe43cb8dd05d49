"""Neighbour lists as rows and files: computed once, kept in the store, read by every unit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from compute.recipe import parse_recipe
from compute.versions import LAYER_STATS_VERSION, NEIGHBOURS_VERSION
from registry.clock import now
from registry.exclusions import find_exclusions
from registry.layers import read_layers
from registry.store import Store, StoredFile
from registry.tables import Dataset, Embedding, Failure, LayerStat, Metric, Neighbours, Slot, Target

K_KEPT = 100
TIES_WORTH_A_WARNING = 0.01
STATISTICS = "layer statistics"  # the stage of failures
ATTEMPTS = 3  # at statistics that fail, whose absence stops no score

Lists = NDArray[np.unsignedinteger[Any]]


def kept_neighbours(k: int, item_count: int, lost: int = 0) -> int:
    """Return how many neighbours are kept for a metric that needs k: enough for every smaller k later.

    Args:
        k: how many the metric needs, which every item has.
        item_count: n.
        lost: how many others an item may lose to exclusions, at most.
    """
    return min(max(k, K_KEPT), max(k, item_count - 1 - lost), item_count - 1)


def kept_for(session: Session, target: Target) -> int:
    """Return how many neighbours the lists of a target keep.

    What several exclusions take from one item is bounded by the sum of what each takes at most, so that no
    file is read for it.

    Raises:
        NotFoundError: the target's data set has no exclusion of a name in its recipe.
    """
    dataset = session.get_one(Dataset, target.dataset_id)
    k = int(session.get_one(Metric, target.metric_id).parameters["k"])
    names = parse_recipe(target.recipe).exclusions
    lost = sum(row.largest_degree for row in find_exclusions(session, dataset, names)) if names else 0
    return kept_neighbours(k, dataset.item_count, lost)


def unprepared(session: Session, target: Target, k_max: int) -> list[Embedding]:
    """Return the embeddings of a target's live slots whose neighbour lists are not there yet."""
    has_lists = exists().where(
        Neighbours.embedding_id == Embedding.id,
        Neighbours.recipe == target.recipe,
        Neighbours.k_max == k_max,
        Neighbours.code_version == NEIGHBOURS_VERSION,
    )
    statement = (
        select(Embedding)
        .join(Slot, Slot.embedding_id == Embedding.id)
        .where(Slot.target_id == target.id, Slot.is_live, ~has_lists)
        .order_by(Embedding.id)
    )
    return list(session.scalars(statement))


def unmeasured(session: Session, target: Target, k_max: int) -> list[tuple[Embedding, Neighbours]]:
    """Return the embeddings of a target's live slots that have lists and no layer statistics, with the lists.

    An older version built lists alone. Statistics that have failed three times are not tried again.
    """
    has_statistics = exists().where(
        LayerStat.embedding_id == Embedding.id,
        LayerStat.recipe == target.recipe,
        LayerStat.code_version == LAYER_STATS_VERSION,
    )
    is_given_up = exists().where(
        Failure.subject == "embedding " + Embedding.content_key,
        Failure.stage == STATISTICS,
        Failure.attempts >= ATTEMPTS,
    )
    statement = (
        select(Embedding, Neighbours)
        .join(Slot, Slot.embedding_id == Embedding.id)
        .join(Neighbours, Neighbours.embedding_id == Embedding.id)
        .where(
            Slot.target_id == target.id,
            Slot.is_live,
            Neighbours.recipe == target.recipe,
            Neighbours.k_max == k_max,
            Neighbours.code_version == NEIGHBOURS_VERSION,
            ~has_statistics,
            ~is_given_up,
        )
        .order_by(Embedding.id)
    )
    return [(embedding, lists) for embedding, lists in session.execute(statement)]


def neighbours_row(embedding_id: int, recipe: str, k_max: int, stored: StoredFile) -> Neighbours:
    """Return the row of a file of neighbour lists."""
    return Neighbours(
        embedding_id=embedding_id,
        recipe=recipe,
        k_max=k_max,
        code_version=NEIGHBOURS_VERSION,
        uri=stored.uri,
        sha256=stored.sha256,
        created_at=now(),
    )


def load_lists(store: Store, row: Neighbours) -> tuple[Lists, NDArray[np.int32]]:
    """Return `indices` and `tied_rows` of a file of neighbour lists."""
    indices, tied = read_layers(store, row.uri, row.sha256, ["indices", "tied_rows"])
    return indices, tied


def tied_share(tied_rows: NDArray[np.int32], k: int, item_count: int) -> float:
    """Return the largest share, over layers, of rows whose k-th place was decided by the order of ties."""
    return float(tied_rows[:, k - 1].max()) / item_count
