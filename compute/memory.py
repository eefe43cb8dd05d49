"""How much memory a unit of work takes, by what its metric lays out, and how much there is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from compute.catalogue import MetricInfo, metric_info

HALF_FROM = 1024  # items from which triangles are kept as float16
CHUNK = 65_536  # entries of a triangle that are multiplied at a time, in float32
PRODUCT = 4 + 3 * 8  # bytes of an entry of U'V: the product, its cast, its square, and what is decomposed
BURST = 2**24 * PRODUCT  # of the products that are decomposed at a time
WORKERS = os.cpu_count() or 1
SHARE = 2  # a run takes one part in so many of what is free
UNITS = ("B", "kB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Layout:
    """The memory of one metric's work.

    Attributes:
        layer: bytes of one layer, laid out.
        cell: bytes of one layer pair: the grid, and what is summed on the way to it.
        scratch: bytes for each layer of the rows and columns beside its layout: chunks and casts.
        burst: bytes of a layer pair while it is computed, of as many at once as `BURST` holds, and of all
            column layers with one row layer at least.
    """

    layer: int
    cell: int
    scratch: int = 0
    burst: int = 0


def unit_bytes(
    name: str, parameters: Mapping[str, Any], row_layers: int, column_layers: int, item_count: int
) -> int:
    """Return how much memory a block of layer pairs takes, nulls included: every layer twice, and the grids.

    The second copy of a layer is the permuted one. What is kept of the files between units comes on top.

    Args:
        name: of the metric.
        parameters: all of them.
        row_layers: layers of the rows.
        column_layers: layers of the columns.
        item_count: n.

    Raises:
        UsageError: there is no metric of that name.
    """
    layout = layout_of(metric_info(name), parameters, item_count)
    layers, pairs = row_layers + column_layers, row_layers * column_layers
    burst = min(pairs * layout.burst, max(column_layers * layout.burst, BURST))
    return layers * (2 * layout.layer + layout.scratch) + pairs * layout.cell + burst


def layout_of(info: MetricInfo, parameters: Mapping[str, Any], item_count: int) -> Layout:
    """Return what a metric lays out for layers of `item_count` items."""
    directions = 1 if info.is_symmetric else 2
    position = 2 if item_count <= 2**16 else 4
    if info.needs == "neighbours":
        folds = 2 if info.has_crossfit else 0
        lists = item_count * int(parameters["k"]) * position
        turned = 0 if info.name == "mutual_knn" else 2 * lists  # the same lists by neighbour
        return Layout(lists, 8 * directions * (1 + folds + WORKERS), scratch=turned)
    if "k" in parameters:  # positions, values, and for HSIC whether the neighbour lists the item in return
        entry = position + 4 + (info.name != "cknna_paper")
        return Layout(item_count * int(parameters["k"]) * entry, 6 * 8 + 3 * 8 * WORKERS)
    if "dimensions" in parameters:
        kept = min(int(parameters["dimensions"]), item_count)
        return Layout(item_count * kept * 4, 8, burst=kept * kept * PRODUCT)
    entries = item_count * (item_count + 1) // 2
    width = 2 if item_count >= HALF_FROM else 4
    return Layout(entries * width, 8 + 4 + 4, scratch=min(entries, CHUNK) * 4)


def stored_bytes(name: str, parameters: Mapping[str, Any], item_count: int, k_max: int | None) -> int:
    """Return how many bytes one layer takes in the store, made ready for a metric.

    Args:
        name: of the metric.
        parameters: all of them.
        item_count: n.
        k_max: how many neighbours stored lists keep; None for metrics that have none.
    """
    if k_max is not None:
        width = 1 if item_count <= 2**8 else 2 if item_count <= 2**16 else 4
        return item_count * k_max * width
    return layout_of(metric_info(name), parameters, item_count).layer


def free_memory() -> int:
    """Return how many bytes this process may still take: of the machine, and of its control group."""
    machine = _meminfo("MemAvailable:")
    if machine is None:
        machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    limit, used = (_number(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    return machine if limit is None or used is None else max(0, min(machine, limit - used))


def default_budget() -> int:
    """Return how many bytes a run may take where nobody says: half of what is free."""
    return free_memory() // SHARE


def bytes_text(count: int, *, up: bool = False) -> str:
    """Return a number of bytes for people, `2.1 GB`; rounded `up` as `--memory` takes it, `2.2GB`."""
    size, unit = float(count), UNITS[0]
    for unit in UNITS:
        if size < 1000 or unit == UNITS[-1]:
            break
        size /= 1000
    if not up:
        return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
    tenths = -int(-size * 10 // 1)
    return f"{tenths // 10}{unit}" if tenths % 10 == 0 else f"{tenths / 10:.1f}{unit}"


def _meminfo(key: str) -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = (line.split() for line in lines if line.startswith(key))
    return next((int(words[1]) * 1024 for words in found), None)


def _number(path: str) -> int | None:
    try:
        text = Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None
