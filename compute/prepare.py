"""Neighbour lists of an embedding, computed from its features."""

from __future__ import annotations

import numpy as np
import torch

from compute.neighbours import nearest_neighbours, smallest_width
from compute.recipe import parse_recipe, prepare
from registry.errors import EmbeddingMismatch
from registry.layers import read_layers, write_layers
from registry.store import Store, StoredFile
from registry.tables import Dataset, Embedding


def build_lists(
    store: Store, embedding: Embedding, dataset: Dataset, recipe: str, k_max: int, device: str
) -> StoredFile:
    """Compute the neighbour lists of every layer of an embedding and return the stored file.

    The file holds `indices`, (layers, n, k_max) of the smallest width, and `tied_rows`, (layers, k_max).

    Raises:
        StoreError: the embedding's file is missing or damaged.
        EmbeddingMismatch: a layer has another number of rows than the data set, or holds NaN or infinity.
    """
    rule = parse_recipe(recipe)
    n = dataset.item_count
    indices = np.empty((embedding.layer_count, n, k_max), smallest_width(n))
    tied = np.empty((embedding.layer_count, k_max), np.int32)
    for position, name in enumerate(embedding.layer_names):
        (layer,) = read_layers(store, embedding.uri, embedding.sha256, [name])
        if len(layer) != n:
            raise EmbeddingMismatch(
                f"embedding {embedding.id}, layer {name}: file has {len(layer)} rows, "
                f"data set {dataset.name} has {n}",
                hint="embed the checkpoint again",
            )
        try:
            prepared = prepare(torch.from_numpy(layer).to(device), rule)
        except ValueError as error:
            raise EmbeddingMismatch(
                f"embedding {embedding.id}, layer {name}: {error}", hint="embed the checkpoint again"
            ) from error
        lists = nearest_neighbours(prepared, tie_key=embedding.layer_sha256[position], k_max=k_max)
        indices[position] = lists.indices.cpu().numpy()
        tied[position] = lists.tied_rows.cpu().numpy()
    return write_layers(store, "neighbours", {"indices": indices, "tied_rows": tied}, {"recipe": recipe})
