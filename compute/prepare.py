"""Layers of an embedding after a recipe: their rows, their neighbour lists and their statistics."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from compute.layer_stats import LayerStatistics, layer_statistics, mean_cosine
from compute.lists import load_lists
from compute.matrices import check_recipe, matrix_statistics, mean_off_diagonal, prepare_matrix
from compute.neighbours import NeighbourLists, nearest_in_matrix, nearest_neighbours, smallest_width
from compute.recipe import Recipe, parse_recipe
from compute.steps import clip_bounds, finished, finite_rows, side_by_side, unit_rows
from registry.errors import EmbeddingMismatch, UnfitLayer
from registry.exclusions import ExcludedPairs
from registry.layers import read_layers, write_layers
from registry.store import Store, StoredFile
from registry.tables import Dataset, Embedding, Neighbours

OTHER_RECIPE = "leave the embedding out of the target, or give the target a recipe without that step"
NO_FEATURES = "leave the embedding out of the target, or embed the checkpoint"


@dataclass(frozen=True)
class BuiltLists:
    """The stored neighbour lists of an embedding, and the statistics of its layers, in their order."""

    stored: StoredFile
    statistics: list[LayerStatistics]


@dataclass(frozen=True)
class _Prepared:
    """One layer in which neighbours are looked for.

    Attributes:
        rows: float32, (n, d) or, of a kernel or distances, similarities (n, n).
        mean_cosine: of two different items, where it cannot be had from `rows`.
    """

    rows: Tensor
    mean_cosine: float | None = None


def build_lists(
    store: Store,
    embedding: Embedding,
    dataset: Dataset,
    recipe: str,
    k_max: int,
    device: str,
    *,
    excluded: ExcludedPairs | None = None,
) -> BuiltLists:
    """Compute the neighbour lists and the statistics of every layer of an embedding, and keep the lists.

    The file holds `indices`, (layers, n, k_max) of the smallest width, and `tied_rows`, (layers, k_max); all
    layers side by side, where the recipe asks for them, are its last layer.

    Args:
        store: where the embedding lies and the lists will.
        embedding: whose layers.
        dataset: of its items.
        recipe: what is done to a layer first.
        k_max: how many neighbours are kept.
        device: where to compute.
        excluded: the pairs that the recipe's exclusions leave out, together.

    Raises:
        StoreError: the embedding's file is missing or damaged.
        EmbeddingMismatch: a layer has another number of rows than the data set, or holds NaN or infinity.
        UnfitLayer: the recipe is not defined for a layer.
    """
    n, rule = dataset.item_count, parse_recipe(recipe)
    keys = tie_keys(embedding, rule)
    indices = np.empty((len(keys), n, k_max), smallest_width(n))
    tied = np.empty((len(keys), k_max), np.int32)
    statistics = []
    for position, prepared in enumerate(_searchable(store, embedding, dataset, rule, device)):
        lists = _neighbours(embedding, prepared, rule, keys[position], k_max, excluded)
        indices[position] = lists.indices.cpu().numpy()
        tied[position] = lists.tied_rows.cpu().numpy()
        statistics.append(_statistics(embedding, prepared, lists))
    stored = write_layers(store, "neighbours", {"indices": indices, "tied_rows": tied}, {"recipe": recipe})
    return BuiltLists(stored, statistics)


def measure_layers(
    store: Store, embedding: Embedding, dataset: Dataset, row: Neighbours, device: str
) -> list[LayerStatistics]:
    """Return the statistics of every layer of an embedding whose neighbour lists are there.

    Raises:
        StoreError: the embedding's file or that of its lists is missing or damaged.
        EmbeddingMismatch: a layer has another number of rows than the data set, or holds NaN or infinity.
    """
    indices, tied = load_lists(store, row)
    found = _searchable(store, embedding, dataset, parse_recipe(row.recipe), device)
    return [
        _statistics(
            embedding,
            prepared,
            NeighbourLists(
                torch.from_numpy(indices[position].astype(np.int64)).to(device),
                torch.from_numpy(tied[position].astype(np.int64)),
            ),
        )
        for position, prepared in enumerate(found)
    ]


def prepared_layers(
    store: Store, embedding: Embedding, dataset: Dataset, recipe: str, *, device: str = "cpu"
) -> Iterator[Tensor]:
    """Yield every layer of an embedding of features after a recipe, (n, d) float64.

    They are those of `recipe.prepared_rows`: unit rows under `cosine`. All layers side by side come last,
    where the recipe asks for them. One layer is held at a time, or all of them as they are stored where a
    step or that last layer needs them.

    Raises:
        StoreError: the embedding's file is missing or damaged.
        EmbeddingMismatch: a layer has another number of rows than the data set, or holds NaN or infinity.
        UnfitLayer: a step of the recipe is not defined for a layer, or the embedding has no features.
    """
    if embedding.kind != "features":
        raise UnfitLayer(
            f"embedding {embedding.id} is of {embedding.kind}, expected features", hint=NO_FEATURES
        )
    yield from _prepared_features(store, embedding, dataset, parse_recipe(recipe), device)


def tie_keys(embedding: Embedding, rule: Recipe) -> list[str]:
    """Return what decides the order of ties in each layer: its digest; of all together a digest of them."""
    digests = list(embedding.layer_sha256)
    if rule.concatenation is None:
        return digests
    together = f"{rule.concatenation} {' '.join(digests)}"
    return [*digests, hashlib.sha256(together.encode()).hexdigest()]


def _neighbours(
    embedding: Embedding,
    prepared: _Prepared,
    rule: Recipe,
    key: str,
    k_max: int,
    excluded: ExcludedPairs | None,
) -> NeighbourLists:
    if embedding.kind == "features":
        return nearest_neighbours(
            prepared.rows, tie_key=key, k_max=k_max, excluded=excluded, similarity=rule.similarity
        )
    return nearest_in_matrix(prepared.rows, tie_key=key, k_max=k_max, excluded=excluded)


def _statistics(embedding: Embedding, prepared: _Prepared, lists: NeighbourLists) -> LayerStatistics:
    if embedding.kind == "features":
        found = layer_statistics(prepared.rows, lists)
    else:
        found = matrix_statistics(prepared.rows, lists, are_distances=embedding.kind == "distances")
    return found if prepared.mean_cosine is None else replace(found, mean_cosine=prepared.mean_cosine)


def _searchable(
    store: Store, embedding: Embedding, dataset: Dataset, rule: Recipe, device: str
) -> Iterator[_Prepared]:
    """Yield every layer as neighbours are looked for in it."""
    if embedding.kind == "features":
        for rows in _prepared_features(store, embedding, dataset, rule, device):
            cosine = None if rule.similarity == "cosine" else mean_cosine(unit_rows(rows))
            yield _Prepared(rows.to(torch.float32), cosine)
        return
    are_distances = embedding.kind == "distances"
    with _fitting(embedding, embedding.kind):
        check_recipe(rule, are_distances=are_distances)
    has_cosines = are_distances or rule.similarity == "cosine"
    for name in embedding.layer_names:
        layer = _read(store, embedding, dataset, name, device)
        try:
            similarity = prepare_matrix(layer, rule, are_distances=are_distances)
            if has_cosines:
                yield _Prepared(similarity)
                continue
            cosines = prepare_matrix(layer, replace(rule, similarity="cosine"), are_distances=False)
        except ValueError as error:
            raise _mismatch(embedding, name, error) from error
        yield _Prepared(similarity, mean_off_diagonal(cosines))


def _prepared_features(
    store: Store, embedding: Embedding, dataset: Dataset, rule: Recipe, device: str
) -> Iterator[Tensor]:
    def layers() -> Iterator[Tensor]:
        for name in embedding.layer_names:
            yield _read(store, embedding, dataset, name, device)

    all_layers: Sequence[Tensor] = ()
    bounds: tuple[float, ...] | None = None
    if rule.needs_all_layers or rule.concatenation is not None:
        all_layers = [*layers()]
        for name, layer in zip(embedding.layer_names, all_layers, strict=True):
            _finite(embedding, name, layer)
        with _fitting(embedding, "all layers"):
            bounds = clip_bounds(all_layers, rule.steps)
    for name, layer in zip(embedding.layer_names, all_layers or layers(), strict=True):
        rows = _finite(embedding, name, layer)
        with _fitting(embedding, f"layer {name}"):
            rows = finished(rows, rule, bounds)
        yield rows
    if rule.concatenation is not None:
        rows = side_by_side(all_layers, rule.concatenation).to(torch.float64)
        with _fitting(embedding, "all layers side by side"):
            rows = finished(rows, rule)
        yield rows


def _read(store: Store, embedding: Embedding, dataset: Dataset, name: str, device: str) -> Tensor:
    """Return a layer as it is stored.

    Raises:
        StoreError: the embedding's file is missing or damaged.
        EmbeddingMismatch: the layer has another number of rows than the data set.
    """
    (layer,) = read_layers(store, embedding.uri, embedding.sha256, [name], location=embedding.location)
    if len(layer) != dataset.item_count:
        raise EmbeddingMismatch(
            f"embedding {embedding.id}, layer {name}: file has {len(layer)} rows, "
            f"data set {dataset.name} has {dataset.item_count}",
            hint="embed the checkpoint again",
        )
    return torch.from_numpy(layer).to(device)


def _finite(embedding: Embedding, name: str, layer: Tensor) -> Tensor:
    try:
        return finite_rows(layer)
    except ValueError as error:
        raise _mismatch(embedding, name, error) from error


@contextmanager
def _fitting(embedding: Embedding, what: str) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise UnfitLayer(f"embedding {embedding.id}, {what}: {error}", hint=OTHER_RECIPE) from error


def _mismatch(embedding: Embedding, name: str, error: ValueError) -> EmbeddingMismatch:
    return EmbeddingMismatch(
        f"embedding {embedding.id}, layer {name}: {error}", hint="embed the checkpoint again"
    )
