"""How a null permutes the items: all of them, groups as blocks, or within classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from registry.errors import UsageError
from registry.items import covariate, group_ids
from registry.keyed import keyed_words
from registry.store import Store
from registry.tables import Dataset

Integers = NDArray[np.int64]
ITEMS, GROUPS, WITHIN = "items", "groups", "within:"
FIXED_AT_MOST = 0.1


@dataclass(frozen=True)
class Scheme:
    """Blocks of items that move as one, and which blocks may take each other's places.

    Attributes:
        item_count: n.
        members: one (blocks, size) array of items for every size of a block.
        classes: for each of these arrays, the class of every block; only blocks of one class change places.
    """

    item_count: int
    members: tuple[Integers, ...]
    classes: tuple[Integers, ...]

    def order(self, key: str) -> Integers:
        """Return a permutation that depends on the key alone: item i gets the place of item `order[i]`.

        Raw Philox words are sorted, since numpy does not promise to keep the stream of its `permutation`.
        """
        words = keyed_words(key, sum(len(blocks) for blocks in self.members))
        order = np.arange(self.item_count)
        begin = 0
        for blocks, classes in zip(self.members, self.classes, strict=True):
            mine = words[begin : begin + len(blocks)]
            begin += len(blocks)
            if (classes == classes[:1]).all():
                order[blocks] = blocks[np.argsort(mine, kind="stable")]
                continue
            here = np.argsort(classes, kind="stable")
            there = np.lexsort((mine, classes))
            order[blocks[here]] = blocks[there]
        return order

    @property
    def fixed_share(self) -> float:
        """The share of items that no permutation of this scheme moves."""
        fixed = 0
        for blocks, classes in zip(self.members, self.classes, strict=True):
            _, inverse, count = np.unique(classes, return_inverse=True, return_counts=True)
            fixed += int((count[inverse] == 1).sum()) * blocks.shape[1]
        return fixed / self.item_count


def all_items(item_count: int) -> Scheme:
    """Return the scheme that permutes all items alike."""
    return Scheme(item_count, (np.arange(item_count)[:, None],), (np.zeros(item_count, np.int64),))


def within(labels: Sequence[str]) -> Scheme:
    """Return the scheme that permutes items inside classes of equal labels."""
    _, classes = np.unique(np.asarray(labels), return_inverse=True)
    return Scheme(len(labels), (np.arange(len(labels))[:, None],), (classes.astype(np.int64),))


def grouped(labels: Sequence[str]) -> Scheme:
    """Return the scheme that moves the items of a group together, to the place of a group of its size."""
    _, group = np.unique(np.asarray(labels), return_inverse=True)
    items = np.argsort(group, kind="stable")
    sizes = np.bincount(group)
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    members = tuple(
        np.stack([items[starts[sizes == size] + place] for place in range(size)], axis=1)
        for size in np.unique(sizes)
    )
    return Scheme(len(labels), members, tuple(np.zeros(len(blocks), np.int64) for blocks in members))


def scheme_of(store: Store, dataset: Dataset, text: str) -> Scheme:
    """Return the scheme that a target names, for its data set.

    Raises:
        UsageError: there is no such scheme, the data set has no groups, or more than a tenth of the items
            would stay where they are.
        NotFoundError: the data set has no such covariate.
    """
    if text == ITEMS:
        return all_items(dataset.item_count)
    if text == GROUPS:
        scheme, what = grouped(group_ids(store, dataset)), "its group is the only one of its size"
    elif text.startswith(WITHIN):
        scheme = within(covariate(store, dataset, text.removeprefix(WITHIN)))
        what = f"it is the only item of its {text.removeprefix(WITHIN)}"
    else:
        raise UsageError(f"no null scheme '{text}'", hint=f"known: {ITEMS}, {GROUPS}, {WITHIN}COVARIATE")
    if scheme.fixed_share > FIXED_AT_MOST:
        raise UsageError(
            f"under the scheme '{text}' {scheme.fixed_share:.0%} of the items of {dataset.name} could not "
            f"move (such an item stays where it is because {what}), expected at most {FIXED_AT_MOST:.0%}",
            hint="choose a coarser covariate, or leave the scheme out to permute all items",
        )
    return scheme
