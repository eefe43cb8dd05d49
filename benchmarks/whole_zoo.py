"""The engine on a zoo of features, or on what is stored of it, and the operations that this takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.made_up import K, Zoo
from benchmarks.measuring import Start, is_cpu
from compute.metric_list import ALL
from compute.metrics.contract import Arrays, Grid, LayerMetric, Side
from compute.metrics.engines import engine_of
from compute.neighbours import nearest_neighbours, smallest_width

INFOS = {info.name: info for info in ALL}
# What differs from the metric's default, so that the reference computes the same.
SET: dict[str, dict[str, Any]] = {"cka_rbf": {"sigma": 1.0, "unit": "absolute"}}
TRIANGLES = {"cka", "unbiased_cka", "cka_rbf", "rsa", "distance_correlation"}


def metric_of(name: str) -> LayerMetric:
    """Return a metric with the parameters of this benchmark.

    Raises:
        KeyError: there is none of that name.
    """
    parameters = {parameter.name: parameter.default for parameter in INFOS[name].parameters}
    return engine_of(name, {**parameters, **({"k": K} if "k" in parameters else {}), **SET.get(name, {})})


def stored_zoo(name: str, zoo: Zoo) -> list[Arrays]:
    """Return what is stored of every checkpoint for a metric: neighbour lists, or layers made ready."""
    metric, info = metric_of(name), INFOS[name]
    stored: list[Arrays] = []
    for checkpoint, layers in enumerate(zoo.features):
        keys = [f"{checkpoint} {position}" for position in range(len(layers))]
        if info.needs == "neighbours":
            stored.append({"indices": np.stack([_lists(*one) for one in zip(layers, keys, strict=True)])})
            continue
        ready = [
            metric.layer_arrays(layer.double(), _nearest(layer, key) if info.has_neighbours else None)
            for layer, key in zip(layers, keys, strict=True)
        ]
        stored.append({array: np.stack([one[array] for one in ready]) for array in ready[0]})
    return stored


def all_pairs(metric: LayerMetric, stored: Sequence[Arrays], device: str) -> Grid:
    """Return the grid of all layer pairs of different checkpoints and of each with itself."""
    side = metric.stack(stored)
    return metric.grid(side, side, limits=own_and_before(side), device=device)


def own_and_before(side: Side) -> NDArray[np.int64]:
    """Return for every layer how many layers its own checkpoint and those before it have."""
    limits: NDArray[np.int64] = np.repeat(np.cumsum(side.layer_counts), side.layer_counts)
    return limits


def pair_count(name: str, checkpoints: int, layers_each: int) -> int:
    """Return how often the reference is called for all pairs of checkpoints, and each with itself.

    Cycle-kNN, whose directions differ, needs a call for both; a checkpoint with itself has both at once.
    `cknna` does too, and the reference is let off with one.
    """
    if name == "cycle_knn":
        return (checkpoints * layers_each) ** 2
    return checkpoints * (checkpoints + 1) // 2 * layers_each**2


def flop(name: str, start: Start, zoo: Zoo) -> float | None:
    """Return the floating point operations of the matrix products in the engine's work; None without any."""
    n, layers = zoo.n, zoo.layers
    pairs = pair_count("", len(zoo.features), zoo.layers_each)
    kind = name.removesuffix("_prh")
    making = layers * float(n * n) * zoo.width  # half of the entries: they are symmetric
    if kind in TRIANGLES:
        comparing = pairs * float(n * n)  # n (n + 1) / 2 entries, a product and a sum for each
    elif kind in {"svcca", "procrustes"}:
        return None  # mostly decompositions
    else:
        comparing = 0.0 if is_cpu(zoo.device) else pairs * 2.0 * n * n  # inverted lists multiply nothing
    return (making if start == "features" else 0.0) + comparing or None


def _nearest(layer: Tensor, key: str) -> Tensor:
    return nearest_neighbours(layer, tie_key=key, k_max=K).indices


def _lists(layer: Tensor, key: str) -> NDArray[Any]:
    indices: NDArray[Any] = _nearest(layer, key).cpu().numpy()
    return indices.astype(smallest_width(len(indices)))
