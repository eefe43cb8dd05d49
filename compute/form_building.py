"""The stored form of an embedding's layers that a metric on features compares."""

from __future__ import annotations

import torch

from compute.forms import stacked
from compute.metrics.contract import LayerMetric
from compute.neighbours import nearest_neighbours
from compute.prepare import prepared_layers, tie_keys
from compute.recipe import parse_recipe
from registry.errors import UnfitLayer
from registry.exclusions import ExcludedPairs
from registry.layers import write_layers
from registry.store import Store, StoredFile
from registry.tables import Dataset, Embedding

ALL_LAYERS = "all layers side by side"


def build_form(
    store: Store,
    embedding: Embedding,
    dataset: Dataset,
    recipe: str,
    metric: LayerMetric,
    *,
    k: int | None,
    device: str,
    excluded: ExcludedPairs | None = None,
) -> StoredFile:
    """Make every layer of an embedding ready for a metric, and keep the arrays, one file for all layers.

    Args:
        store: where the embedding lies and the form will.
        embedding: whose layers.
        dataset: of its items.
        recipe: what is done to a layer first.
        metric: what the layers are made ready for.
        k: how many neighbours it looks at; None where it looks at none.
        device: where to compute.
        excluded: pairs of items that are nobody's neighbours.

    Raises:
        StoreError: the embedding's file is missing or damaged.
        EmbeddingMismatch: a layer has another number of rows than the data set, or holds NaN or infinity.
        UnfitLayer: the recipe or the metric is not defined for a layer.
    """
    rule = parse_recipe(recipe)
    names = [f"layer {name}" for name in embedding.layer_names] + [ALL_LAYERS]
    made = []
    found = prepared_layers(store, embedding, dataset, recipe, device=device)
    for name, key, rows in zip(names, tie_keys(embedding, rule), found, strict=False):
        try:
            lists = None
            if k is not None:
                lists = nearest_neighbours(
                    rows.to(torch.float32),
                    tie_key=key,
                    k_max=k,
                    excluded=excluded,
                    similarity=rule.similarity,
                ).indices.cpu()
            made.append(metric.layer_arrays(rows.cpu(), lists))
        except ValueError as error:
            raise UnfitLayer(
                f"embedding {embedding.id}, {name}: {error}",
                hint="leave the embedding out of the target, or choose another metric",
            ) from error
    return write_layers(store, "forms", stacked(made), {"recipe": recipe})
