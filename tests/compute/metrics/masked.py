"""Layers for the tests of metrics that compare kernels on shared neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from compute.metrics.cknna import Cknna, CknnaPrh
from compute.metrics.cknna_paper import CknnaPaper
from compute.metrics.contract import Side

Metric = Cknna | CknnaPaper
METRICS: list[type[Metric]] = [Cknna, CknnaPrh, CknnaPaper]


def unit_rows(n: int, d: int, seed: int, mean: float = 0.0) -> Tensor:
    """Normal rows about a common mean, of length 1."""
    generator = torch.Generator().manual_seed(seed)
    rows = torch.randn((n, d), generator=generator, dtype=torch.float64)
    rows = rows + mean * torch.randn((1, d), generator=generator, dtype=torch.float64)
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit


def related_layers(count: int, n: int, d: int, seed: int) -> list[Tensor]:
    """Layers that share half of what they are made of."""
    shared = unit_rows(n, d, seed)
    layers = [shared + unit_rows(n, d, seed + 1 + layer) for layer in range(count)]
    return [rows / rows.norm(dim=1, keepdim=True) for rows in layers]


def nearest(rows: Tensor, k: int) -> Tensor:
    """The k most similar other items of each item, by inner product."""
    similarity = (rows @ rows.T).fill_diagonal_(-torch.inf)
    found: Tensor = similarity.topk(k, dim=1).indices
    return found


def embedding(metric: Metric, layers: Sequence[Tensor], lists: Sequence[Tensor]) -> dict[str, np.ndarray]:
    """The stored arrays of some layers."""
    stored = [metric.layer_arrays(rows, found) for rows, found in zip(layers, lists, strict=True)]
    return {name: np.stack([layer[name] for layer in stored]) for name in stored[0]}


def side_of(metric: Metric, layers: Sequence[Tensor]) -> Side:
    """Some layers as one embedding, with their own nearest neighbours."""
    return metric.stack([embedding(metric, layers, [nearest(rows, metric.k) for rows in layers])])
