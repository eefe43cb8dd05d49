"""A data set with answers, and embeddings of it from which they can, or cannot, be read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ingest.checkpoints import add_checkpoint
from ingest.datasets import add_dataset
from ingest.recording import record_embedding
from registry.handle import Registry
from registry.items import Items

KINDS = ("plant", "animal", "tool")


def judged_items(count: int = 120) -> Items:
    """Return items of three kinds, each of two sorts of different sizes; sorts are interleaved."""
    kinds = [KINDS[number % 3] for number in range(count)]
    sorts = [f"{kind}-{'big' if number % 5 < 3 else 'small'}" for number, kind in enumerate(kinds)]
    return Items(
        [f"i{number:03d}" for number in range(count)],
        texts=[[f"thing {number}"] for number in range(count)],
        extra={"kind": kinds, "sort": sorts, "same": ["x"] * count},
    )


def add_judged(registry: Registry, count: int = 120) -> int:
    """Register these items and return the id of the data set."""
    return add_dataset(registry, "judged", judged_items(count)).dataset_id


def add_reader(
    registry: Registry, dataset_id: int, reference: str, name: str, *, signal: float, seed: int = 1
) -> int:
    """Register a baseline whose last layer tells the kinds apart as far as `signal` says; return its id."""
    checkpoint_id = add_checkpoint(registry, reference, name=name).checkpoint_id
    record_embedding(registry, checkpoint_id, dataset_id, layers(signal=signal, seed=seed))
    return checkpoint_id


def layers(*, signal: float, seed: int, count: int = 120) -> dict[str, NDArray[np.float32]]:
    """Return a first layer of noise, and a last one in which each kind has a centre."""
    generator = np.random.default_rng(seed)
    kinds = np.arange(count) % 3
    centres = generator.standard_normal((3, 12)) * signal
    noise = generator.standard_normal((2, count, 12))
    return {
        "first": noise[0].astype(np.float32),
        "last": (centres[kinds] + noise[1]).astype(np.float32),
    }
