"""Neighbour lists in memory while the units that need them run."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from compute.layercache import BYTES_KEPT, Arrays, LayerCache
from compute.lists import load_lists
from compute.versions import NEIGHBOURS_VERSION
from registry.errors import StoreError
from registry.handle import Registry
from registry.tables import Neighbours

Lists = NDArray[np.unsignedinteger[Any]]


class ListCache:
    """The lists of the embeddings used last, up to a bound of memory.

    `tied_rows` keeps, for every embedding that was read, how many rows of each layer are tied at each place.
    """

    def __init__(self, registry: Registry, recipe: str, k_max: int, bytes_kept: int = BYTES_KEPT) -> None:
        self._registry = registry
        self._recipe = recipe
        self._k_max = k_max
        self._cache = LayerCache(self.read, bytes_kept)
        self.tied_rows: dict[int, NDArray[np.int32]] = {}

    def get(self, embedding_id: int) -> Lists:
        """Return the (layers, n, k_max) lists of an embedding.

        Raises:
            StoreError: they are not there, or their file is damaged.
        """
        return self._cache.get(embedding_id)["indices"]

    def read(self, embedding_id: int) -> Arrays:
        """Return the stored arrays of an embedding, read anew."""
        lists, tied = load_lists(self._registry.store, self._row(embedding_id))
        self.tied_rows[embedding_id] = tied
        return {"indices": lists}

    def _row(self, embedding_id: int) -> Neighbours:
        with self._registry.read() as session:
            row = session.scalar(
                select(Neighbours).where(
                    Neighbours.embedding_id == embedding_id,
                    Neighbours.recipe == self._recipe,
                    Neighbours.k_max == self._k_max,
                    Neighbours.code_version == NEIGHBOURS_VERSION,
                )
            )
        if row is None:
            raise StoreError(
                f"embedding {embedding_id} has no neighbour lists for '{self._recipe}'",
                hint="run 'cavewall align run' again: it builds them",
            )
        return row
