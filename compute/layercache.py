"""What units need of embeddings, in memory while they run: stored arrays, checked once as they are read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
BYTES_KEPT = 512 * 2**20


class LayerCache:
    """The arrays of the embeddings used last, each with a leading axis of layers, up to a bound of memory."""

    def __init__(self, read: Callable[[int], Arrays], bytes_kept: int = BYTES_KEPT) -> None:
        self._read = read
        self._bytes_kept = bytes_kept
        self._kept: OrderedDict[int, Arrays] = OrderedDict()
        self._bytes = 0

    def get(self, embedding_id: int) -> Arrays:
        """Return the arrays of an embedding.

        Raises:
            StoreError: they are not there, or their file is damaged.
        """
        if embedding_id in self._kept:
            self._kept.move_to_end(embedding_id)
            return self._kept[embedding_id]
        arrays = self._read(embedding_id)
        self._kept[embedding_id] = arrays
        self._bytes += _size(arrays)
        while self._bytes > self._bytes_kept and len(self._kept) > 1:
            _, oldest = self._kept.popitem(last=False)
            self._bytes -= _size(oldest)
        return arrays


def _size(arrays: Arrays) -> int:
    return sum(array.nbytes for array in arrays.values())
