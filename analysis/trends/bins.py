"""Checkpoints in bins of how many tasks they solve, and the mean over the pairs within one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Bin:
    """The counts from `low` to `high`, both inside."""

    low: int
    high: int

    @property
    def label(self) -> str:
        """Return the bin as people write it."""
        return str(self.low) if self.low == self.high else f"{self.low}-{self.high}"


def equal_width(task_count: int, bins: int) -> tuple[Bin, ...]:
    """Return bins of equal width from 0 to the number of tasks; an edge belongs to the bin above it.

    Raises:
        ValueError: there are more bins than counts to put into them, or none.
    """
    if not 1 <= bins <= task_count + 1:
        raise ValueError(f"{task_count} tasks make 1 to {task_count + 1} bins, not {bins}")
    edges = [
        -(-number * task_count // bins) for number in range(bins)
    ]  # ceil of the edge: first count inside
    return tuple(
        Bin(low, high) for low, high in zip(edges, [*(e - 1 for e in edges[1:]), task_count], strict=True)
    )


def from_edges(edges: Sequence[int], task_count: int) -> tuple[Bin, ...]:
    """Return the bins between edges; an edge belongs to the bin above it, the last one to the last bin.

    Raises:
        ValueError: they do not rise from 0 to at least the number of tasks: some checkpoint would stand
            outside.
    """
    rises = all(low < high for low, high in pairwise(edges))
    if len(edges) < 2 or not rises or edges[0] != 0 or edges[-1] < task_count:
        listed = ",".join(map(str, edges))
        raise ValueError(f"edges must rise from 0 to {task_count}, the number of tasks that count: {listed}")
    highs = [*(edge - 1 for edge in edges[1:-1]), edges[-1]]
    return tuple(Bin(low, high) for low, high in zip(edges[:-1], highs, strict=True))


def place(counts: NDArray[np.int64], bins: Sequence[Bin]) -> NDArray[np.int64]:
    """Return the position of the bin that each count stands in."""
    return np.searchsorted([one.low for one in bins], counts, side="right") - 1


@dataclass(frozen=True)
class PairMean:
    """A mean over pairs and how far it may be off.

    Attributes:
        value: the mean; None without a pair.
        se: its standard error by the jackknife that deletes one checkpoint at a time; None where a deletion
            leaves no pair, as with two checkpoints.
        se_prh: the paper's sd / sqrt(pairs), too small as pairs share checkpoints; None below two pairs.
        pairs: how many pairs are known.
    """

    value: float | None
    se: float | None
    se_prh: float | None
    pairs: int


def mean_over_pairs(matrix: Floats) -> PairMean:
    """Return the mean over the pairs of some checkpoints, with its standard errors.

    Pairs that share a checkpoint move together, so the unit that is deleted is the checkpoint:
    se^2 = (m - 1) / m * sum of (mean without i - their mean)^2, m checkpoints.

    Args:
        matrix: `(m, m)` symmetric, NaN where a pair is not known; the diagonal is not looked at.
    """
    upper = matrix[np.triu_indices(len(matrix), k=1)]
    values = upper[~np.isnan(upper)]
    if not len(values):
        return PairMean(None, None, None, 0)
    se_prh = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else None
    return PairMean(float(values.mean()), _jackknife(matrix), se_prh, len(values))


def _jackknife(matrix: Floats) -> float | None:
    """Return the standard error of the mean over pairs when checkpoints are deleted one at a time."""
    m = len(matrix)
    known = ~np.isnan(matrix) & ~np.eye(m, dtype=bool)
    sums, counts = np.where(known, matrix, 0.0).sum(axis=1), known.sum(axis=1)  # of each checkpoint
    remaining = counts.sum() / 2 - counts
    if (remaining == 0).any():
        return None
    without = (sums.sum() / 2 - sums) / remaining  # (m,)
    return float(np.sqrt((m - 1) / m * ((without - without.mean()) ** 2).sum()))
