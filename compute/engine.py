"""All layer pairs of a block at once, on whichever device there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from compute.grids import ScoredUnit
from compute.inverted_lists import shared_neighbours
from compute.metrics.mutual_knn import mutual_knn
from compute.reduction import best_layers, offsets_of
from compute.units import SlotTable, Unit, wanted_columns

Lists = NDArray[np.unsignedinteger[Any]]


@dataclass(frozen=True)
class Block:
    """The pairs of a unit that are missing: which rows, which columns, and which of their pairs."""

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    wanted: NDArray[np.bool_]


def missing_block(
    slots: SlotTable, unit: Unit, pairs: Literal["all", "across"], known: set[tuple[int, int]]
) -> Block | None:
    """Return what a unit has to compute, without the pairs that are known; None where that is nothing."""
    asked = {
        row: [
            int(column)
            for column in wanted_columns(slots, row, unit.start, unit.stop, pairs)
            if (row, int(column)) not in known
        ]
        for row in unit.rows
    }
    rows = tuple(row for row, columns in asked.items() if columns)
    columns = tuple(sorted({column for listed in asked.values() for column in listed}))
    if not rows:
        return None
    wanted = np.array([np.isin(columns, asked[row]) for row in rows])
    return Block(rows, columns, wanted)


def score_block(
    slots: SlotTable,
    block: Block,
    load: Callable[[int], Lists],
    *,
    k: int,
    reducer: Literal["max", "last"],
    device: str,
) -> ScoredUnit:
    """Return the counts of every layer pair of a block and the best of each pair.

    Args:
        slots: the target's matrix.
        block: what is missing.
        load: gives the (layers, n, k_max) lists of a slot.
        k: how many neighbours count.
        reducer: over the layer pairs of a pair.
        device: a torch device; `cpu` takes the inverted lists.
    """
    row_layers, column_layers = slots.layers[list(block.rows)], slots.layers[list(block.columns)]
    rows = np.concatenate([load(slot)[:, :, :k] for slot in block.rows])
    columns = np.concatenate([load(slot)[:, :, :k] for slot in block.columns])
    if device == "cpu":
        before = np.searchsorted(block.columns, block.rows)  # columns to the left of each row's own slot
        limits = np.repeat(offsets_of(column_layers)[before], row_layers)
        grid = shared_neighbours(rows, columns, k=k, column_limits=limits)
    else:
        left, right = (torch.from_numpy(lists.astype(np.int32)).to(device) for lists in (rows, columns))
        grid = mutual_knn(left, right, k=k).cpu().numpy()
    best = best_layers(grid, row_layers, column_layers, reducer)
    return ScoredUnit(block.rows, block.columns, row_layers, column_layers, block.wanted, grid, best)
