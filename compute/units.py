"""What is missing in a target's matrix, cut into units of work. Pure: slots in, blocks out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class SlotTable:
    """The slots of a target; position in every array = slot number.

    Attributes:
        embedding: the embedding's id, 0 where a number was never given.
        modality: a small integer per modality.
        layers: how many layers the embedding has.
        is_live: whether its pairs are wanted.
        done_through: the watermark of the row.
        reach: up to which column (excluded) the row is wanted at all: its own slot for scores; what is scored
            for nulls.
        null_through: the watermark of the row's nulls.
    """

    embedding: Integers
    modality: Integers
    layers: Integers
    is_live: Flags
    done_through: Integers
    reach: Integers
    null_through: Integers

    def for_nulls(self) -> SlotTable:
        """Return the same matrix as the nulls see it: what they have done, out of what is scored."""
        return replace(self, done_through=self.null_through, reach=self.done_through)

    def __len__(self) -> int:
        return len(self.embedding)


@dataclass(frozen=True)
class Missing:
    """How much of each row is missing: pairs and layer pairs, one entry per slot."""

    pairs: Integers
    layer_pairs: Integers


@dataclass(frozen=True)
class Unit:
    """A block of the matrix: some row slots against the column slots from `start` up to `stop` (excluded)."""

    rows: tuple[int, ...]
    start: int
    stop: int

    def subject(self, target: str) -> str:
        """Return what a failure of this unit is recorded as."""
        return f"target {target} rows {self.rows[0]}-{self.rows[-1]} columns {self.start}-{self.stop - 1}"


Pairs = Literal["all", "across"]


def missing(slots: SlotTable, pairs: Pairs) -> Missing:
    """Return how many wanted pairs each live row lacks: one subtraction of running sums per slot."""
    done = np.minimum(slots.done_through, slots.reach)
    kinds = np.unique(slots.modality)
    pair_count, layer_count = np.zeros(len(slots), np.int64), np.zeros(len(slots), np.int64)
    for kind in kinds:
        live = slots.is_live & (slots.modality == kind)
        wanting = slots.is_live & ((slots.modality != kind) if pairs == "across" else True)
        for counted, weights in ((pair_count, live), (layer_count, np.where(live, slots.layers, 0))):
            before = np.concatenate(([0], np.cumsum(weights)))
            counted += np.where(wanting, before[slots.reach] - before[done], 0)
    return Missing(pair_count, layer_count * slots.layers)


def wanted_columns(slots: SlotTable, row: int, start: int, stop: int, pairs: Pairs) -> Integers:
    """Return the live columns in [start, stop) that a row wants and its watermark does not promise yet."""
    first, last = max(start, int(slots.done_through[row])), min(stop, int(slots.reach[row]))
    columns = np.arange(first, max(first, last))
    keep = slots.is_live[columns]
    if pairs == "across":
        keep &= slots.modality[columns] != slots.modality[row]
    return columns[keep]


def units(slots: SlotTable, pairs: Pairs, layer_pairs_at_most: int) -> Iterator[Unit]:
    """Yield the units that complete the matrix, rows in order and columns from left to right within them.

    A unit holds at most `layer_pairs_at_most` layer pairs, except where one pair alone has more.
    """
    lacking = np.flatnonzero(missing(slots, pairs).pairs)
    side = max(1, math.isqrt(layer_pairs_at_most))
    for rows in _blocks(lacking, slots.layers, side):
        row_layers = max(1, int(slots.layers[rows].sum()))
        start, end = int(slots.done_through[rows].min()), int(slots.reach[rows].max())
        columns = np.arange(start, end)
        columns = columns[slots.is_live[columns]]
        for block in _blocks(columns, slots.layers, max(1, layer_pairs_at_most // row_layers)):
            stop = int(block[-1]) + 1
            unit = Unit(tuple(int(row) for row in rows), start, stop)
            if any(len(wanted_columns(slots, row, start, stop, pairs)) for row in unit.rows):
                yield unit
                start = stop


def _blocks(positions: Integers, layers: Integers, layers_at_most: int) -> Iterator[Integers]:
    """Cut positions into runs whose layers add up to at most a bound, each at least one long."""
    begin, total = 0, 0
    for index, position in enumerate(positions):
        total += int(layers[position])
        if total > layers_at_most and index > begin:
            yield positions[begin:index]
            begin, total = index, int(layers[position])
    if begin < len(positions):
        yield positions[begin:]
