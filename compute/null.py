"""The null of a reduced score: permute every embedding's items, compare again, and rank."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from compute.metrics.contract import LayerMetric, PermutesWhileComparing, Side
from compute.reduction import Flags, lowest, maxima

Integers = NDArray[np.int64]
Reals = NDArray[np.float64]
Orders = Callable[[int], tuple[Sequence[Integers], Sequence[Integers]]]


@dataclass(frozen=True)
class Calibration:
    """What a null says about scores; arrays of one shape, in entries of a grid unless a score is meant.

    Attributes:
        null_mean: mean of the draws.
        null_sd: their standard deviation.
        tau: the threshold.
        p: (1 + draws as high) / (1 + draws).
        calibrated: (observed - tau) / (highest - tau), at least 0; NaN where tau is the highest. Where there
            is no highest it is observed - tau, at least 0, in scores.
    """

    null_mean: Reals
    null_sd: Reals
    tau: NDArray[Any]
    p: Reals
    calibrated: Reals


def null_draws(
    metric: LayerMetric,
    rows: Side,
    columns: Side,
    orders: Orders,
    draws: int,
    *,
    limits: Integers | None = None,
    cells: Flags | None = None,
    device: str = "cpu",
) -> NDArray[Any]:
    """Return the reduced entry of every pair of a block in every draw.

    One draw serves every pair: each embedding is permuted once, by its own permutation, on both sides alike.
    All layers of an embedding are permuted alike, or the maximum over layers would have another null
    (`test_null_level.py` shows that it fails).

    Args:
        metric: what compares.
        rows: one side; for the reducer `last` only its last layers.
        columns: the other side.
        orders: gives the permutations of a draw, for the rows and for the columns.
        draws: how many.
        limits: as in `LayerMetric.grid`; what lies beyond means nothing.
        cells: (r, c), which layer pairs count; None for all.
        device: a torch device.

    Returns:
        (draws, directions, rows, columns) maxima over the layers, counts or scores as the metric has them.
    """
    shape = draws, metric.directions, len(rows.layer_counts), len(columns.layer_counts)
    found = np.empty(shape, np.int64 if metric.is_exact else np.float64)
    for draw in range(draws):
        row_orders, column_orders = orders(draw)
        if isinstance(metric, PermutesWhileComparing):
            grid = metric.permuted_grid(
                rows, columns, row_orders, column_orders, limits=limits, device=device
            )
        else:
            moved = metric.permuted(rows, row_orders), metric.permuted(columns, column_orders)
            grid = metric.grid(*moved, limits=limits, device=device)
        if cells is not None:
            grid = np.where(cells, grid, lowest(grid))
        found[draw] = maxima(grid, rows.layer_counts, columns.layer_counts)
    return found


def tau_rank(draws: int, alpha: float) -> int:
    """Return which smallest of the draws and the observed entry tau is: ceil((1 - alpha)(K + 1)), from 1."""
    return min(draws + 1, max(1, math.ceil((1 - alpha) * (draws + 1) - 1e-9)))


def calibrate(
    observed: NDArray[Any], draws: NDArray[Any], *, alpha: float, highest: float | None
) -> Calibration:
    """Compare observed entries with their draws.

    Counts are compared as integers: rounding would break ties and move p by a step.

    Args:
        observed: counts or scores, of any shape.
        draws: (K, ...) those of the same pairs under permutation.
        alpha: level of tau.
        highest: the highest entry that there can be, n * k for shared neighbours; None for no bound.

    Source: Gröger, Wen, Brbić 2026, arXiv 2602.14486, with the aggregate over layers as the statistic.
    """
    count = len(draws)
    together = np.concatenate([draws, observed[None].astype(draws.dtype)])
    rank = tau_rank(count, alpha) - 1
    tau = np.partition(together, rank, axis=0)[rank]
    above = np.maximum(observed - tau, 0)
    if highest is None:
        calibrated = above.astype(np.float64)
    else:
        room = highest - tau
        with np.errstate(divide="ignore", invalid="ignore"):
            calibrated = np.where(room > 0, above / room, np.nan)
    return Calibration(
        null_mean=draws.mean(axis=0, dtype=np.float64),
        null_sd=draws.std(axis=0, ddof=1, dtype=np.float64),
        tau=tau,
        p=(1 + (draws >= observed).sum(axis=0)) / (count + 1),
        calibrated=calibrated,
    )


def draw_key(seed: int, draw: int, embedding_key: str) -> str:
    """Return the key of an embedding's permutation in a draw; nothing else decides it.

    A stream over the zoo instead would change every p when one checkpoint comes.
    """
    return f"null {seed} {draw} {embedding_key}"
