"""Made-up zoos: features whose layers are a random walk, neighbour lists, and stored triangles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

K = 10
STEP = 0.4  # how far a layer is from the one before, of a length of 1
COMMON = 0.6  # how much of a first layer all checkpoints have in common


@dataclass(frozen=True)
class Zoo:
    """Checkpoints with their layers.

    Attributes:
        features: for each checkpoint (layers, n, d) float32, rows of length 1, on the device.
        device: a torch device.
    """

    features: list[Tensor]
    device: str

    @property
    def layers(self) -> int:
        """How many layers there are in all."""
        return sum(len(one) for one in self.features)

    @property
    def layers_each(self) -> int:
        """How many layers a checkpoint has."""
        return len(self.features[0])

    @property
    def n(self) -> int:
        """How many items."""
        return self.features[0].shape[1]

    @property
    def width(self) -> int:
        """How many features an item has."""
        return self.features[0].shape[2]

    @property
    def flat(self) -> Tensor:
        """All layers, (layers, n, d)."""
        return torch.cat(self.features)


def made_up_zoo(checkpoints: int, layers: int, n: int, width: int, device: str, seed: int = 0) -> Zoo:
    """Return checkpoints that share a part of their first layer; each layer is a step from the last."""
    random = np.random.default_rng(seed)
    common = random.standard_normal((n, width), np.float32)
    zoo = []
    for _ in range(checkpoints):
        own = random.standard_normal((n, width), np.float32)
        layer = COMMON * common + np.float32(np.sqrt(1 - COMMON**2)) * own
        stacked = np.empty((layers, n, width), np.float32)
        for position in range(layers):
            stacked[position] = layer / np.linalg.norm(layer, axis=1, keepdims=True)
            step = random.standard_normal((n, width), np.float32)
            layer = np.float32(np.sqrt(1 - STEP**2)) * layer + STEP * step
        zoo.append(torch.from_numpy(stacked).to(device))
    return Zoo(zoo, device)


def made_up_lists(checkpoints: int, layers: int, n: int, seed: int = 0) -> list[NDArray[Any]]:
    """Return for each checkpoint (layers, n, K) lists of which each keeps about two thirds of the last."""
    random = np.random.default_rng(seed)
    width = np.min_scalar_type(n - 1)
    zoo = []
    for _ in range(checkpoints):
        indices = np.empty((layers, n, K), width)
        for layer in range(layers):
            fresh = _random_lists(random, n)
            if layer:
                fresh = _distinct(np.where(random.random((n, K)) < 0.67, indices[layer - 1], fresh), fresh)
            indices[layer] = fresh
        zoo.append(indices)
    return zoo


def _random_lists(random: np.random.Generator, n: int) -> NDArray[np.int64]:
    """Return (n, K) different items per row, none the row's own; n > K."""
    steps = (n - 1) // K  # one item of every K-th part of the circle that begins behind the item
    offsets = 1 + np.arange(K) * steps + random.integers(0, steps, (n, K))
    lists: NDArray[np.int64] = (np.arange(n)[:, None] + random.permuted(offsets, axis=1)) % n
    return lists


def _distinct(mixed: NDArray[np.int64], fresh: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return rows as mixed, but as fresh where a row holds an item twice."""
    ordered = np.sort(mixed, axis=1)
    repeats = (ordered[:, 1:] == ordered[:, :-1]).any(axis=1)
    chosen: NDArray[np.int64] = np.where(repeats[:, None], fresh, mixed)
    return chosen


def made_up_triangles(layers: int, n: int, device: str, seed: int = 0) -> Tensor:
    """Return (layers, n (n + 1) / 2) float16 entries like those of stored unit triangles."""
    generator = torch.Generator(device).manual_seed(seed)
    entries = n * (n + 1) // 2
    triangles = torch.empty((layers, entries), dtype=torch.float16, device=device)
    for layer in range(layers):
        drawn = torch.randn(entries, generator=generator, device=device)
        triangles[layer] = (drawn * (2.0**15 / np.sqrt(entries))).to(torch.float16)
    return triangles
