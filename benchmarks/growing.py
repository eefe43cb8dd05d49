"""Rows beside those of the metrics: clipping, many layers, and one checkpoint more in a zoo of fifty."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.made_up import Zoo, made_up_lists
from benchmarks.measuring import Cost, Row, measured
from benchmarks.whole_zoo import metric_of, own_and_before
from compute.metrics.contract import Arrays, Side
from compute.null import draw_key, null_draws
from compute.recipe import clip_of
from compute.steps import clip_bound
from registry.keyed import keyed_order

CLIP = "clip95"
MANY = 128  # checkpoints: 1,536 layers where each has twelve
FIFTY = 50
DRAWS = 20
METRIC = "mutual_knn"


def clip_row(zoo: Zoo) -> Row:
    """Return what the bound of the recipe step `clip95` costs, for every checkpoint, against torch.quantile.

    Raises:
        ImportError: this machine lacks numba.
    """
    clip = clip_of(CLIP)
    assert clip is not None
    embeddings = [[*features.cpu()] for features in zoo.features]
    quarter = [layer[: zoo.n // 4] for layer in embeddings[0]]
    clip_bound(quarter, clip)  # numba compiles before the clock

    stacked = [torch.stack(layers, dim=1) for layers in embeddings]  # (n, layers, d), as it is stored there

    def released() -> list[float]:
        flat = (one.abs().flatten(1) for one in stacked)
        return [float(torch.quantile(one, clip.percent / 100, dim=1).mean()) for one in flat]

    ours, cost = measured(lambda: [clip_bound(layers, clip) for layers in embeddings], "cpu")
    theirs, peer = measured(released, "cpu")
    row = _row(CLIP, "bound for each checkpoint", zoo.layers, zoo.n, cost)
    return replace(
        row,
        start="features",
        peer="torch.quantile",
        peer_cpu_seconds=peer.cpu_seconds,
        peer_ratio=peer.cpu_seconds / cost.cpu_seconds,
        peer_target=8.0,
        largest_difference=float(np.abs(np.subtract(ours, theirs)).max()),
    )


def many_layers_row(layers_each: int, n: int, device: str) -> Row:
    """Return what all pairs of mutual-kNN of 128 checkpoints cost from stored lists.

    Raises:
        ImportError: on a CPU, this machine lacks numba.
    """
    stored = _stored(MANY, layers_each, n)
    _warm(stored, device)

    def work() -> object:
        side = metric_of(METRIC).stack(stored)
        return metric_of(METRIC).grid(side, side, limits=own_and_before(side), device=device)

    _, cost = measured(work, device)
    return replace(_row(METRIC, "all pairs", MANY * layers_each, n, cost), most_seconds=2.0, most_mb=100.0)


def one_more_row(layers_each: int, n: int, device: str) -> Row:
    """Return what one more checkpoint costs a zoo of fifty, scores and null.

    The ratio is what the whole zoo costs over that.

    Raises:
        ImportError: on a CPU, this machine lacks numba.
    """
    stored = _stored(FIFTY, layers_each, n)
    _warm(stored, device)
    everyone = list(range(FIFTY))
    _scores_and_null(stored, everyone[-1:], everyone[:-1], device)  # compiles what few layers alone take
    _, whole = measured(lambda: _scores_and_null(stored, everyone, everyone, device), device)
    _, one = measured(lambda: _scores_and_null(stored, everyone[-1:], everyone[:-1], device), device)
    row = _row(METRIC, f"one more of {FIFTY}", FIFTY * layers_each, n, one)
    return replace(
        row,
        ratio=whole.on(device) / one.on(device),
        target=10.0,
        note=f"scores and {DRAWS} draws; ratio: the whole, {whole.on(device):.2f} s, over this",
    )


def _scores_and_null(
    stored: Sequence[Arrays], rows: Sequence[int], columns: Sequence[int], device: str
) -> NDArray[np.int64]:
    """Return the reduced draws of rows and of the columns before each of them, after its scores."""
    metric = metric_of(METRIC)
    row_side, column_side = (metric.stack([stored[i] for i in chosen]) for chosen in (rows, columns))
    n, each = row_side.item_count, row_side.layer_counts
    before = np.searchsorted(columns, rows)
    limits = np.repeat(np.concatenate(([0], np.cumsum(column_side.layer_counts)))[before], each)
    metric.grid(row_side, column_side, limits=limits, device=device)

    def orders(draw: int) -> tuple[list[NDArray[np.int64]], list[NDArray[np.int64]]]:
        known = {i: keyed_order(draw_key(0, draw, f"embedding {i}"), n) for i in {*rows, *columns}}
        return [known[i] for i in rows], [known[i] for i in columns]

    return null_draws(metric, row_side, column_side, orders, DRAWS, limits=limits, device=device)


def _stored(checkpoints: int, layers_each: int, n: int) -> list[Arrays]:
    return [{"indices": lists} for lists in made_up_lists(checkpoints, layers_each, n)]


def _warm(stored: Sequence[Arrays], device: str) -> None:
    """Let numba compile before the clock."""
    metric = metric_of(METRIC)
    side: Side = metric.stack(stored[:2])
    n = side.item_count
    moved = metric.permuted(side, [np.arange(n)] * 2)
    metric.grid(moved, side, limits=own_and_before(side), device=device)


def _row(metric: str, work: str, layers: int, n: int, cost: Cost) -> Row:
    return Row(
        metric=metric,
        work=work,
        start="lists",
        layers=layers,
        n=n,
        seconds=cost.seconds,
        cpu_seconds=cost.cpu_seconds,
        peak_rss_mb=cost.peak_rss_mb,
    )
