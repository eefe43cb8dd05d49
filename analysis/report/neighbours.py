"""What two networks think is near: the nearest items of each, side by side, for a few items."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from analysis.report.contents import NeighbourPart, NeighbourRow, Picture, Query
from analysis.report.facts import ALL_LAYERS, PairFacts, TargetFacts
from analysis.report.pictures import data_uri
from registry.errors import EmbeddingMismatch, StoreError
from registry.handle import Registry
from registry.items import Items, read_items
from registry.layers import read_layers
from registry.tables import Dataset, Embedding, Neighbours

ITEMS, NEAREST = 6, 6

Lists = NDArray[np.integer]


@dataclass(frozen=True)
class Chosen:
    """The positions of a few items, the class of each, and how they were chosen, in words."""

    positions: tuple[int, ...]
    groups: tuple[str, ...]
    how: str


def neighbour_part(
    registry: Registry, target: TargetFacts, pair: PairFacts, queries: Sequence[Query], *, slug: str
) -> NeighbourPart | None:
    """Return the neighbours of a few items in the two layers of a pair.

    None without pictures, or where the metric looks at no neighbours.

    Args:
        registry: whose store holds the items and the lists.
        target: the matrix that the pair is of.
        pair: a pair across modalities.
        queries: the questions that chose it.
        slug: the part's anchor.
    """
    names = (f"{pair.left_name}, layer {pair.left_layer}", f"{pair.right_name}, layer {pair.right_layer}")
    k = target.k
    if k is None:
        return None
    try:
        items, key, credit = _items(registry, target)
        if items.images is None:
            return None
        left = _lists(registry, target, pair.left_embedding_id, pair.left_layer)
        right = _lists(registry, target, pair.right_embedding_id, pair.right_layer)
    except (StoreError, EmbeddingMismatch) as error:
        why = f"{error.message}: {error.hint}"
        return NeighbourPart(slug, *names, k, "", "", (), tuple(queries), why)
    chosen = choose_items(items.ids, items.extra, key=key)
    shown = ShownItems(items)
    rows = tuple(
        neighbour_row(shown, position, left[position], right[position], k, group)
        for position, group in zip(chosen.positions, chosen.groups, strict=True)
    )
    return NeighbourPart(slug, *names, k, chosen.how, credit, rows, tuple(queries))


def choose_items(
    ids: Sequence[str], covariates: Mapping[str, Sequence[str]], *, key: str, count: int = ITEMS
) -> Chosen:
    """Choose a few items by a digest, spread over the classes of a covariate where there is one.

    Args:
        ids: the items, in their order.
        covariates: of the items; the one with the fewest classes, at least two, is taken.
        key: the data set's content key, so that the same data set gives the same items anywhere.
        count: how many.
    """
    order = sorted(range(len(ids)), key=lambda position: _digest(key, ids[position]))
    name = _covariate(covariates, len(ids))
    by_digest = "the first in the order of SHA-256 over the data set's key and the item's id"
    if name is None:
        positions = order[:count]
        how = f"{len(positions)} items, {by_digest}. Nobody picked them."
        return Chosen(tuple(positions), ("",) * len(positions), how)
    classes = covariates[name]
    first: dict[str, int] = {}
    for position in order:
        first.setdefault(classes[position], position)
    groups = sorted(sorted(first, key=lambda group: _digest(key, group))[:count])
    how = f"one item of each {name}" if len(first) <= count else f"one item of each of {count} {name} values"
    return Chosen(
        tuple(first[group] for group in groups), tuple(groups), f"{how}, {by_digest}. Nobody picked them."
    )


def neighbour_row(
    shown: ShownItems, position: int, left: Sequence[int], right: Sequence[int], k: int, group: str
) -> NeighbourRow:
    """Return one item with the nearest of two networks; marked are those among the k nearest of both."""
    of_left, of_right = ([int(neighbour) for neighbour in side[: max(k, NEAREST)]] for side in (left, right))
    both = set(of_left[:k]) & set(of_right[:k])
    return NeighbourRow(
        shown.picture(position),
        tuple(shown.picture(neighbour, neighbour in both) for neighbour in of_left[:NEAREST]),
        tuple(shown.picture(neighbour, neighbour in both) for neighbour in of_right[:NEAREST]),
        len(both),
        group,
    )


class ShownItems:
    """The items as pictures, each made once."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._sources: dict[int, str] = {}

    def picture(self, position: int, is_shared: bool = False) -> Picture:
        """Return an item as it is shown."""
        if position not in self._sources:
            images = self._items.images or []
            self._sources[position] = data_uri(images[position])
        texts = self._items.texts[position] if self._items.texts is not None else []
        return Picture(self._sources[position], texts[0] if texts else self._items.ids[position], is_shared)


def _covariate(covariates: Mapping[str, Sequence[str]], count: int) -> str | None:
    sizes = {name: len(set(values)) for name, values in covariates.items()}
    fitting = [name for name, size in sizes.items() if 2 <= size <= count / 2]
    return min(fitting, key=lambda name: (sizes[name], name), default=None)


def _digest(key: str, text: str) -> str:
    return hashlib.sha256(f"{key}:{text}".encode()).hexdigest()


def _items(registry: Registry, target: TargetFacts) -> tuple[Items, str, str]:
    with registry.read() as session:
        dataset = session.get(Dataset, target.dataset_id)
    if dataset is None:
        raise EmbeddingMismatch(
            f"data set {target.dataset} is no longer registered", hint="build a new snapshot"
        )
    return read_items(registry.store, dataset), dataset.content_key, dataset.credit or ""


def _lists(registry: Registry, target: TargetFacts, embedding_id: int, layer: str) -> Lists:
    """Return the neighbours of every item in one layer, nearest first."""
    statement = (
        select(Neighbours)
        .where(Neighbours.embedding_id == embedding_id, Neighbours.recipe == target.recipe)
        .order_by(Neighbours.code_version.desc(), Neighbours.k_max.desc())
        .limit(1)
    )
    with registry.read() as session:
        row = session.scalar(statement)
        embedding = session.get(Embedding, embedding_id)
    if row is None or embedding is None:
        raise EmbeddingMismatch(
            f"embedding {embedding_id} has no neighbour lists under recipe {target.recipe}",
            hint="a target of mutual_knn makes them: cavewall target add, then cavewall align run",
        )
    (indices,) = read_layers(registry.store, row.uri, row.sha256, ["indices"])
    names = [*embedding.layer_names, ALL_LAYERS]
    chosen: Lists = indices[names.index(layer)]
    return chosen
