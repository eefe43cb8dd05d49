"""The fastest other library that was found: `pytorch-cka`, unbiased CKA of all layers of two models."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor

from benchmarks.made_up import Zoo

Between = Callable[[Tensor, Tensor], Tensor]


def peer() -> tuple[str, Between]:
    """Return the library's name and version, and its function of two stacks of layers, (layers, n, d).

    Raises:
        ImportError: it is not installed.
    """
    from importlib.metadata import version

    from cka import cka_from_features  # type: ignore[import-untyped]

    return f"pytorch-cka {version('pytorch-cka')}", cka_from_features


def by_pair(between: Between, zoo: Zoo) -> None:
    """Compare all pairs of checkpoints, and each with itself, in one call each."""
    for position, rows in enumerate(zoo.features):
        for columns in zoo.features[: position + 1]:
            between(rows, columns)
