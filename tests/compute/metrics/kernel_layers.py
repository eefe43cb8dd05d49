"""Layers for the tests of kernel metrics, and the way that the engine takes them through a metric."""

from __future__ import annotations

import numpy as np
import torch

from compute.metrics.contract import Side
from compute.metrics.triangles import TriangleMetric


def random_layer(n: int, d: int, seed: int, *, like: np.ndarray | None = None) -> np.ndarray:
    """Rows with unequal features and a mean; half of them of another layer, where one is given."""
    random = np.random.default_rng(seed)
    rows = random.standard_normal((n, d)) * random.uniform(0.2, 2, d) + random.standard_normal(d)
    if like is not None:
        width = min(d, like.shape[1])
        rows[:, :width] += like[:, :width]
    return rows


def rotation(d: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).standard_normal((d, d)))[0]


def side_of(metric: TriangleMetric, *embeddings: list[np.ndarray]) -> Side:
    """What is stored of some embeddings, each a list of layers, stacked."""
    stored = []
    for layers in embeddings:
        arrays = [metric.layer_arrays(torch.from_numpy(rows), None) for rows in layers]
        stored.append({name: np.stack([one[name] for one in arrays]) for name in arrays[0]})
    return metric.stack(stored)


def engine_score(metric: TriangleMetric, rows: np.ndarray, columns: np.ndarray) -> float:
    return float(metric.grid(side_of(metric, [rows]), side_of(metric, [columns]))[0, 0, 0])
