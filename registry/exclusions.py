"""Pairs of items that must not count as neighbours: a Parquet sidecar in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import NotFoundError, StoreError, UsageError
from registry.lookup import nearest
from registry.store import Store, StoredFile
from registry.tables import Dataset, Exclusion

Positions = NDArray[np.int32]
Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class ExcludedPairs:
    """A symmetric relation between the items of a data set.

    Attributes:
        item_count: n.
        left: positions of items, `left[i] < right[i]`.
        right: positions of items; the pairs are sorted and each stands once.

    Raises:
        ValueError: the pairs are not sorted, not unique, or a position is out of range.
    """

    item_count: int
    left: Positions
    right: Positions

    def __post_init__(self) -> None:
        codes = self._codes()
        in_range = len(codes) == 0 or (self.left.min() >= 0 and self.right.max() < self.item_count)
        if not in_range or bool((self.left >= self.right).any()) or bool((np.diff(codes) <= 0).any()):
            raise ValueError("excluded pairs are sorted, unique and of two different items of the data set")

    def __len__(self) -> int:
        return len(self.left)

    @property
    def share(self) -> float:
        """How many of all pairs of items are excluded, as a share."""
        return share_of_pairs(len(self), self.item_count)

    @property
    def is_too_much(self) -> bool:
        """Whether more than a tenth of all pairs is excluded."""
        return exceeds_a_tenth(len(self), self.item_count)

    @cached_property
    def degrees(self) -> Integers:
        """(n,): with how many other items each item is excluded."""
        both = np.concatenate((self.left, self.right))
        return np.bincount(both, minlength=self.item_count).astype(np.int64)

    @cached_property
    def _rows(self) -> tuple[Integers, Positions]:
        """The relation in compressed rows: where each item's partners begin, and the partners."""
        items = np.concatenate((self.left, self.right))
        partners = np.concatenate((self.right, self.left))
        return np.concatenate(([0], np.cumsum(self.degrees))), partners[np.lexsort((partners, items))]

    def within(self, start: int, stop: int) -> tuple[Integers, Integers]:
        """Return the excluded cells of the rows from `start` up to `stop` (left out) of the (n, n) matrix.

        Returns:
            For each cell its row, counted from `start`, and its column.
        """
        starts, partners = self._rows
        rows = np.repeat(np.arange(stop - start), self.degrees[start:stop])
        return rows, partners[starts[start] : starts[stop]].astype(np.int64)

    def _codes(self) -> Integers:
        return self.left.astype(np.int64) * self.item_count + self.right


def share_of_pairs(pair_count: int, item_count: int) -> float:
    """Return what share some pairs are of all pairs of the items."""
    return 2 * pair_count / (item_count * (item_count - 1))


def exceeds_a_tenth(pair_count: int, item_count: int) -> bool:
    """Return whether some pairs are more than a tenth of all pairs of the items."""
    return 20 * pair_count > item_count * (item_count - 1)


def too_much_excluded(what: str, pair_count: int, dataset: Dataset) -> UsageError:
    """Return the error that says that more than a tenth of all pairs is excluded."""
    all_pairs = dataset.item_count * (dataset.item_count - 1) // 2
    return UsageError(
        f"{what} excludes {pair_count / all_pairs:.1%} of all pairs of data set {dataset.name} "
        f"({pair_count:,} of {all_pairs:,}), expected at most a tenth",
        hint="choose a narrower relation: what is left must still be the data set",
    )


def pairs_of(item_count: int, one: Integers, other: Integers) -> ExcludedPairs:
    """Return the relation of some pairs in any order, either way round, repeated or not.

    Raises:
        ValueError: an item is paired with itself, or a position is out of range.
    """
    codes = np.unique(np.minimum(one, other).astype(np.int64) * item_count + np.maximum(one, other))
    return ExcludedPairs(
        item_count, (codes // item_count).astype(np.int32), (codes % item_count).astype(np.int32)
    )


def union(relations: Sequence[ExcludedPairs]) -> ExcludedPairs:
    """Return the relation that excludes what any of some relations of the same items excludes."""
    return pairs_of(
        relations[0].item_count,
        np.concatenate([relation.left for relation in relations]),
        np.concatenate([relation.right for relation in relations]),
    )


def write_exclusion(store: Store, pairs: ExcludedPairs) -> StoredFile:
    """Write the sidecar of an exclusion and return the stored file."""
    table = pa.table({"left": pairs.left, "right": pairs.right})

    def writer(path: Path) -> None:
        pq.write_table(table, path, compression="zstd")

    return store.write("exclusions", ".parquet", writer)


def read_exclusion(store: Store, dataset: Dataset, exclusion: Exclusion) -> ExcludedPairs:
    """Return the pairs of an exclusion.

    Raises:
        StoreError: the sidecar is missing or damaged, or does not hold what its row says.
    """
    table = pq.read_table(store.checked_path(exclusion.uri, exclusion.sha256))
    left, right = (table.column(name).to_numpy().astype(np.int32) for name in ("left", "right"))
    try:
        pairs = ExcludedPairs(dataset.item_count, left, right)
    except ValueError as error:
        raise StoreError(
            f"{exclusion.uri}: {error}", hint="restore the file from a copy of the store"
        ) from error
    if len(pairs) != exclusion.pair_count:
        raise StoreError(
            f"{exclusion.uri} has {len(pairs)} pairs, its row says {exclusion.pair_count}",
            hint="restore the file from a copy of the store",
        )
    return pairs


def find_exclusions(session: Session, dataset: Dataset, names: Sequence[str]) -> list[Exclusion]:
    """Return the exclusions of a data set by name.

    Raises:
        NotFoundError: the data set has none of one of the names.
    """
    known = {row.name: row for row in list_exclusions(session, dataset)}
    for name in names:
        if name not in known:
            listed = f"it has {', '.join(known)}" if known else "make one: cavewall dataset exclude"
            raise NotFoundError(
                f"data set {dataset.name} has no exclusion '{name}'", hint=nearest(name, known) or listed
            )
    return [known[name] for name in names]


def list_exclusions(session: Session, dataset: Dataset) -> list[Exclusion]:
    """Return every exclusion of a data set, by name."""
    statement = select(Exclusion).where(Exclusion.dataset_id == dataset.id).order_by(Exclusion.name)
    return list(session.scalars(statement))


def read_exclusions(
    session: Session, store: Store, dataset: Dataset, names: Sequence[str]
) -> ExcludedPairs | None:
    """Return the union of some exclusions of a data set, None for no name.

    Raises:
        NotFoundError: the data set has none of one of the names.
        StoreError: a sidecar is missing or damaged.
    """
    rows = find_exclusions(session, dataset, names)
    return union([read_exclusion(store, dataset, row) for row in rows]) if rows else None
