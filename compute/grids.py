"""Layer grids: the count of every layer pair of a unit's pairs, as one Parquet part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from compute.reduction import BestLayers, offsets_of
from registry.store import Store, StoredFile

Integers = NDArray[np.int64]

GRID_SCHEMA = pa.schema(
    [
        pa.field("target_id", pa.int32(), nullable=False),
        pa.field("row_slot", pa.int32(), nullable=False),
        pa.field("column_slot", pa.int32(), nullable=False),
        pa.field("row_layer", pa.int16(), nullable=False),
        pa.field("column_layer", pa.int16(), nullable=False),
        pa.field("count", pa.int32(), nullable=False),
    ]
)


@dataclass(frozen=True)
class ScoredUnit:
    """The counts of a unit.

    Attributes:
        rows: the row slots.
        columns: the column slots.
        row_layers: how many layers each row has.
        column_layers: how many layers each column has.
        wanted: (rows, columns), which pairs were asked for.
        grid: (all row layers, all column layers) counts of shared neighbours.
        best: the reduced counts.
        score_se: (rows, columns) standard errors of the scores; NaN where a pair was not asked for.
        crossfit: (rows, columns) cross-fitted scores.
        is_new: (rows, columns), which of the wanted pairs have no row yet; the others only lack an interval.
    """

    rows: Sequence[int]
    columns: Sequence[int]
    row_layers: Integers
    column_layers: Integers
    wanted: NDArray[np.bool_]
    grid: Integers
    best: BestLayers
    score_se: NDArray[np.float64]
    crossfit: NDArray[np.float64]
    is_new: NDArray[np.bool_]

    @property
    def layer_pair_count(self) -> int:
        """How many layer pairs the new pairs have."""
        return int((np.outer(self.row_layers, self.column_layers) * self.is_new).sum())


def grid_table(target_id: int, unit: ScoredUnit) -> pa.Table:
    """Return the layer grid of the new pairs, one row per layer pair, as `GRID_SCHEMA` has it."""
    row_offsets, column_offsets = offsets_of(unit.row_layers), offsets_of(unit.column_layers)
    row_of = np.repeat(np.arange(len(unit.rows)), unit.row_layers)
    column_of = np.repeat(np.arange(len(unit.columns)), unit.column_layers)
    mask = unit.is_new[row_of][:, column_of]
    i, j = np.nonzero(mask)
    row, column = row_of[i], column_of[j]
    row_layer, column_layer = i - row_offsets[row], j - column_offsets[column]
    order = np.lexsort((column_layer, row_layer, column, row))
    values = (
        np.full(len(i), target_id),
        np.asarray(unit.rows)[row][order],
        np.asarray(unit.columns)[column][order],
        row_layer[order],
        column_layer[order],
        unit.grid[i, j][order],
    )
    arrays = [pa.array(value, field.type) for value, field in zip(values, GRID_SCHEMA, strict=True)]
    return pa.Table.from_arrays(arrays, schema=GRID_SCHEMA)


def write_grid(store: Store, table: pa.Table) -> StoredFile:
    """Write a layer grid into the store."""

    def writer(path: Path) -> None:
        pq.write_table(table, path, compression="zstd")

    return store.write("grids", ".parquet", writer)
