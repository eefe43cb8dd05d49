"""Layer grids: the entry of every layer pair of a unit's pairs, as one Parquet part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from compute.reduction import BestLayers, Flags, offsets_of
from registry.store import Store, StoredFile

Integers = NDArray[np.int64]

GRID_SCHEMA = pa.schema(
    [
        pa.field("target_id", pa.int32(), nullable=False),
        pa.field("row_slot", pa.int32(), nullable=False),
        pa.field("column_slot", pa.int32(), nullable=False),
        pa.field("row_layer", pa.int16(), nullable=False),
        pa.field("column_layer", pa.int16(), nullable=False),
        pa.field("count", pa.int32()),
        pa.field("score", pa.float32()),
        pa.field("direction", pa.int8(), nullable=False),
    ]
)


@dataclass(frozen=True)
class ScoredUnit:
    """The entries of a unit. Of two directions the one from the column, the left of its pair, comes first.

    Attributes:
        rows: the row slots.
        columns: the column slots.
        row_layers: how many layers each row has.
        column_layers: how many layers each column has.
        wanted: (rows, columns), which pairs were asked for.
        is_new: (rows, columns), which of the wanted pairs have no row yet; the others only lack an interval.
        grid: (directions, all row layers, all column layers) counts (int64) or scores (float64).
        scale: what an entry is divided by to be a score.
        best: the reduced entries of each direction.
        score_se: (directions, rows, columns) standard errors of the scores; NaN where there is none.
        crossfit: (rows, columns) cross-fitted scores; NaN where there is none.
        cells: (all row layers, all column layers), which layer pairs are compared; None for all.
        layer_pairs: (rows, columns), how many that is.
        chance: (directions, rows, columns) closed forms that depend on the best layers; NaN where none.
    """

    rows: Sequence[int]
    columns: Sequence[int]
    row_layers: Integers
    column_layers: Integers
    wanted: NDArray[np.bool_]
    is_new: NDArray[np.bool_]
    grid: NDArray[Any]
    scale: float
    best: Sequence[BestLayers]
    score_se: NDArray[np.float64]
    crossfit: NDArray[np.float64]
    cells: Flags | None
    layer_pairs: Integers
    chance: NDArray[np.float64]

    @property
    def layer_pair_count(self) -> int:
        """How many layer pairs the new pairs have."""
        return int((self.layer_pairs * self.is_new).sum())

    def score(self, direction: int, i: int, j: int) -> float:
        """Return the reduced score of a pair in a direction."""
        return float(self.best[direction].value[i, j]) / self.scale


def grid_table(target_id: int, unit: ScoredUnit) -> pa.Table:
    """Return the layer grid of the new pairs, one row per layer pair and direction, as `GRID_SCHEMA` has it.

    Counts that fit 32 bits are kept as counts; all else as scores.
    """
    row_offsets, column_offsets = offsets_of(unit.row_layers), offsets_of(unit.column_layers)
    row_of = np.repeat(np.arange(len(unit.rows)), unit.row_layers)
    column_of = np.repeat(np.arange(len(unit.columns)), unit.column_layers)
    mask = unit.is_new[row_of][:, column_of]
    if unit.cells is not None:
        mask = mask & unit.cells
    i, j = np.nonzero(mask)
    row, column = row_of[i], column_of[j]
    row_layer, column_layer = i - row_offsets[row], j - column_offsets[column]
    order = np.lexsort((column_layer, row_layer, column, row))
    tables = []
    for direction, grid in enumerate(unit.grid):
        entries = grid[i, j][order]
        count, score = entries, None
        if not np.issubdtype(grid.dtype, np.integer) or unit.scale > np.iinfo(np.int32).max:
            count, score = None, (entries / unit.scale).astype(np.float32)
        columns = {
            "target_id": np.full(len(i), target_id),
            "row_slot": np.asarray(unit.rows)[row][order],
            "column_slot": np.asarray(unit.columns)[column][order],
            "row_layer": row_layer[order],
            "column_layer": column_layer[order],
            "count": count,
            "score": score,
            "direction": np.full(len(i), direction),
        }
        arrays = [
            pa.nulls(len(i), field.type)
            if columns[field.name] is None
            else pa.array(columns[field.name], field.type)
            for field in GRID_SCHEMA
        ]
        tables.append(pa.Table.from_arrays(arrays, schema=GRID_SCHEMA))
    return pa.concat_tables(tables)


def write_grid(store: Store, table: pa.Table) -> StoredFile:
    """Write a layer grid into the store."""

    def writer(path: Path) -> None:
        pq.write_table(table, path, compression="zstd")

    return store.write("grids", ".parquet", writer)
