"""What every source is told and gives back: how to run; layers, what each `own` was, libraries."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ingest.extraction import Rule
from ingest.partial import Partial
from ingest.trust import NO_TRUST, Trust

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Running:
    """How a network is run; nothing here changes more of a number than its last digits.

    Args:
        device: where to compute.
        batch_size: items at a time; found by itself where it is None.
        workers: how many processes decode pictures; this one where it is 0.
        partial: where work is kept that may be interrupted, or None.
        progress: called with how many items of how many are done.
        trust: which code of others may run.
    """

    device: str = "cpu"
    batch_size: int | None = None
    workers: int = 0
    partial: Partial | None = None
    progress: Progress | None = None
    trust: Trust = NO_TRUST


@dataclass(frozen=True)
class Answer:
    """A model's answer to all items of a data set: one `(n, d)` float32 matrix per layer, in their order."""

    layers: Mapping[str, NDArray[np.float32]]
    resolved: Mapping[str, Any]
    libraries: Mapping[str, str]
    batch_size: int | None


class LayerCollector:
    """Rows of named layers, gathered batch by batch."""

    def __init__(self) -> None:
        self._rows: dict[str, list[NDArray[np.float32]]] = {}

    def add(self, layers: Mapping[str, torch.Tensor]) -> None:
        """Take one batch: for every layer a `(b, d)` matrix."""
        for name, rows in layers.items():
            self._rows.setdefault(name, []).append(rows.to(device="cpu", dtype=torch.float32).numpy())

    def add_kept(self, layers: Mapping[str, NDArray[np.float32]]) -> None:
        """Take rows that an earlier run computed."""
        for name, rows in layers.items():
            self._rows.setdefault(name, []).append(rows)

    def tail(self, batch_count: int) -> dict[str, NDArray[np.float32]]:
        """Return every layer's rows of the last batches."""
        return {name: np.concatenate(rows[-batch_count:]) for name, rows in self._rows.items()}

    def layers(self) -> dict[str, NDArray[np.float32]]:
        """Return every layer with all its rows, `(n, d)`."""
        return {name: np.concatenate(rows) for name, rows in self._rows.items()}


def versions_of(*packages: str) -> dict[str, str]:
    """Return the installed versions of some packages."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "unknown"
    return found


def dtype_of(rule: Rule) -> torch.dtype:
    """Return what a rule computes in."""
    found: torch.dtype = getattr(torch, rule.dtype)
    return found


@contextmanager
def exact_inference() -> Iterator[None]:
    """Compute without gradients and, on a GPU, in true float32.

    Reduced precision changes which neighbours are nearest.
    """
    matmul, cudnn = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    try:
        with torch.inference_mode():
            yield
    finally:
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = matmul, cudnn


def batches(count: int, size: int) -> Iterator[slice]:
    """Return consecutive slices of at most `size` that cover `count` items."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))
