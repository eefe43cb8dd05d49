"""Neighbour lists as rows and files: computed once, kept in the store, read by every unit."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from compute.versions import NEIGHBOURS_VERSION
from registry.clock import now
from registry.layers import read_layers
from registry.store import Store, StoredFile
from registry.tables import Embedding, Neighbours, Slot, Target

K_KEPT = 100
TIES_WORTH_A_WARNING = 0.01

Lists = NDArray[np.unsignedinteger[Any]]


def kept_neighbours(k: int, item_count: int) -> int:
    """Return how many neighbours are kept for a metric that needs k: enough for every smaller k later."""
    return min(max(k, K_KEPT), item_count - 1)


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
