"""Neighbour lists and statistics of an embedding's layers: features, kernels or distances."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from compute.layer_stats import LayerStatistics, layer_statistics
from compute.lists import load_lists
from compute.matrices import matrix_statistics, prepare_matrix
from compute.neighbours import NeighbourLists, nearest_in_matrix, nearest_neighbours, smallest_width
from compute.recipe import Recipe, parse_recipe, prepare
from registry.errors import EmbeddingMismatch
from registry.exclusions import ExcludedPairs
from registry.layers import read_layers, write_layers
from registry.store import Store, StoredFile
from registry.tables import Dataset, Embedding, Neighbours


@dataclass(frozen=True)
class BuiltLists:
    """The stored neighbour lists of an embedding, and the statistics of its layers, in their order."""

    stored: StoredFile
    statistics: list[LayerStatistics]


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

    The file holds `indices`, (layers, n, k_max) of the smallest width, and `tied_rows`, (layers, k_max).

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
    """
    n = dataset.item_count
    indices = np.empty((embedding.layer_count, n, k_max), smallest_width(n))
    tied = np.empty((embedding.layer_count, k_max), np.int32)
    statistics = []
    for position, prepared in _prepared_layers(store, embedding, dataset, recipe, device):
        find = nearest_neighbours if embedding.kind == "features" else nearest_in_matrix
        lists = find(prepared, tie_key=embedding.layer_sha256[position], k_max=k_max, excluded=excluded)
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
    return [
        _statistics(
            embedding,
            prepared,
            NeighbourLists(
                torch.from_numpy(indices[position].astype(np.int64)).to(device),
                torch.from_numpy(tied[position].astype(np.int64)),
            ),
        )
        for position, prepared in _prepared_layers(store, embedding, dataset, row.recipe, device)
    ]


def _statistics(embedding: Embedding, prepared: Tensor, lists: NeighbourLists) -> LayerStatistics:
    if embedding.kind == "features":
        return layer_statistics(prepared, lists)
    return matrix_statistics(prepared, lists, are_distances=embedding.kind == "distances")


def _prepared(layer: Tensor, rule: Recipe, kind: str) -> Tensor:
    if kind == "features":
        return prepare(layer, rule)
    return prepare_matrix(layer, rule, are_distances=kind == "distances")


def _prepared_layers(
    store: Store, embedding: Embedding, dataset: Dataset, recipe: str, device: str
) -> Iterator[tuple[int, Tensor]]:
    """Yield the position and the prepared rows of every layer."""
    rule = parse_recipe(recipe)
    for position, name in enumerate(embedding.layer_names):
        (layer,) = read_layers(store, embedding.uri, embedding.sha256, [name], location=embedding.location)
        if len(layer) != dataset.item_count:
            raise EmbeddingMismatch(
                f"embedding {embedding.id}, layer {name}: file has {len(layer)} rows, "
                f"data set {dataset.name} has {dataset.item_count}",
                hint="embed the checkpoint again",
            )
        try:
            prepared = _prepared(torch.from_numpy(layer).to(device), rule, embedding.kind)
        except ValueError as error:
            raise EmbeddingMismatch(
                f"embedding {embedding.id}, layer {name}: {error}", hint="embed the checkpoint again"
            ) from error
        yield position, prepared
