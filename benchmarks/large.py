"""Rows of the sizes that want a GPU: 24,000 layers, 500 draws of them, and 65,536 items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from benchmarks.made_up import K, made_up_lists, made_up_triangles
from benchmarks.measuring import Cost, Row, is_cpu, measured
from benchmarks.whole_zoo import metric_of
from compute.metrics.contract import Side
from compute.metrics.triangle_products import COLUMNS_AT_ONCE, product
from compute.neighbours import nearest_neighbours
from registry.keyed import keyed_order

CHECKPOINTS, LAYERS_EACH = 1_000, 24
ITEMS, WIDTH = 65_536, 1_024
ROWS_AT_ONCE = 4_000
DRAWS, DRAWS_TIMED = 500, 2


def large_rows(n: int, device: str, peak: float) -> Iterator[Row]:
    """Yield the rows that fit: on a CPU only the neighbours, which take minutes there.

    Args:
        n: items of the many layers.
        device: a torch device.
        peak: FLOP per second of a large product on it.
    """
    if device != "cpu":
        yield from many_layers(CHECKPOINTS, n, device, peak)
    yield neighbours_row(ITEMS, WIDTH, device, peak)


def neighbours_row(n: int, width: int, device: str, peak: float) -> Row:
    """Return what the exact neighbours of one layer cost, and that there is no n x n matrix in memory."""
    layer = torch.randn((n, width), generator=torch.Generator().manual_seed(0))
    layer = (layer / layer.norm(dim=1, keepdim=True)).to(device)
    nearest_neighbours(layer[:256], tie_key="warm", k_max=K)
    _, cost = measured(lambda: nearest_neighbours(layer, tie_key="layer", k_max=K), device)
    operations = 2.0 * n * n * width
    return Row(
        metric="neighbours",
        work="of one layer",
        start="features",
        layers=1,
        n=n,
        seconds=cost.seconds,
        cpu_seconds=cost.cpu_seconds,
        peak_rss_mb=cost.peak_rss_mb,
        share_of_peak=operations / cost.on(device) / peak,
        most_seconds=None if is_cpu(device) else 0.5,
        note=f"n x n in float32 would be {4 * n * n / 2**20:,.0f} MB",
    )


def many_layers(checkpoints: int, n: int, device: str, peak: float) -> Iterator[Row]:
    """Yield mutual-kNN of all pairs from lists, its null, and linear CKA of all pairs from triangles.

    Args:
        checkpoints: how many, of 24 layers each.
        n: items.
        device: a torch device, not `cpu`.
        peak: FLOP per second of a large product on it.
    """
    layers = checkpoints * LAYERS_EACH
    metric = metric_of("mutual_knn")
    side = metric.stack([{"indices": one} for one in made_up_lists(checkpoints, LAYERS_EACH, n)])
    _blocks(side, side, device, rows=checkpoints)  # warms up on the first rows alone
    _, cost = measured(lambda: _blocks(side, side, device), device)
    operations = layers * (layers + 1.0) * n * n  # a product and a sum for half of the pairs
    pairs = _row("mutual_knn", "all pairs", layers, n, cost, operations / cost.on(device) / peak)
    yield replace(pairs, most_seconds=3.0)

    def draws() -> None:
        for draw in range(DRAWS_TIMED):
            orders = [keyed_order(f"{draw} {i}", n) for i in range(checkpoints)]
            moved = metric.permuted(side, orders)
            _blocks(moved, moved, device)

    _, drawn = measured(draws, device)
    scale = DRAWS / DRAWS_TIMED
    whole = Cost(drawn.seconds * scale, drawn.cpu_seconds * scale, drawn.peak_rss_mb)
    null = _row(
        "mutual_knn", f"{DRAWS} draws", layers, n, whole, operations * DRAWS / whole.on(device) / peak
    )
    yield replace(null, most_seconds=600.0, note=f"{DRAWS_TIMED} draws, multiplied")
    triangles = made_up_triangles(layers, n, device)
    product(triangles[:64], triangles[:64])
    _, cost = measured(lambda: _inner_products(triangles), device)
    row = _row("cka", "all pairs", layers, n, cost, operations / cost.on(device) / peak)
    yield replace(row, most_seconds=3.0, note="triangles on the device")


def _blocks(left: Side, right: Side, device: str, *, rows: int | None = None) -> None:
    """Compare layers block by block with those up to the end of the block, and let the counts go."""
    metric = metric_of("mutual_knn")
    lists = left.arrays["lists"]
    for start in range(0, rows or lists.shape[1], ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, rows or lists.shape[1])
        metric.grid(_layers(left, start, stop), _layers(right, 0, stop), device=device)


def _layers(side: Side, start: int, stop: int) -> Side:
    """Return some layers of a side, each as if it were an embedding."""
    return Side(
        {"lists": side.arrays["lists"][:, start:stop]}, np.ones(stop - start, np.int64), side.item_count
    )


def _inner_products(triangles: Tensor) -> None:
    """Multiply triangles block by block, as `triangle_products.inner_products` does once they are there."""
    layers, entries = triangles.shape
    for start in range(0, layers, ROWS_AT_ONCE):
        stop = min(start + ROWS_AT_ONCE, layers)
        total = torch.zeros((stop - start, stop), dtype=torch.float64, device=triangles.device)
        for column in range(0, entries, COLUMNS_AT_ONCE):
            piece = triangles[:stop, column : column + COLUMNS_AT_ONCE]
            total += product(piece[start:], piece)


def _row(metric: str, work: str, layers: int, n: int, cost: Cost, share: float) -> Row:
    return Row(
        metric=metric,
        work=work,
        start="lists",
        layers=layers,
        n=n,
        seconds=cost.seconds,
        cpu_seconds=cost.cpu_seconds,
        peak_rss_mb=cost.peak_rss_mb,
        share_of_peak=share,
    )
