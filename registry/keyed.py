"""Random words that are a pure function of a key, stable between versions of numpy."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray


def keyed_words(key: str, count: int) -> NDArray[np.uint64]:
    """Return `count` raw Philox words for a key; its SHA-256 gives both the cipher's key and its counter."""
    digest = hashlib.sha256(key.encode()).digest()
    philox = np.random.Philox(
        key=int.from_bytes(digest[:16], "little"), counter=int.from_bytes(digest[16:], "little")
    )
    words: NDArray[np.uint64] = philox.random_raw(count)
    return words


def keyed_order(key: str, count: int) -> NDArray[np.int64]:
    """Return a permutation of `count` positions that depends on the key alone.

    It sorts raw words and not a generator's `permutation`, whose stream numpy does not promise to keep.
    """
    return np.argsort(keyed_words(key, count), kind="stable")
