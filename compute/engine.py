"""All layer pairs of a block at once, whatever the metric, on whichever device there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from compute.crossfitting import grid_and_crossfit
from compute.grids import ScoredUnit
from compute.intervals import standard_error
from compute.metrics.contract import Arrays, KnowsPairChance, LayerMetric, Side
from compute.null import null_draws
from compute.reduction import (
    BestLayers,
    Flags,
    Reducer,
    best_layers,
    compared_cells,
    layer_pair_counts,
    offsets_of,
)
from compute.units import SlotTable, Unit, wanted_columns

Integers = NDArray[np.int64]
Load = Callable[[int], Arrays]


@dataclass(frozen=True)
class Rule:
    """What the engine does with layers.

    Attributes:
        metric: what compares two layers.
        reducer: what makes one number of the layer pairs of a pair.
        is_concatenated: whether the last layer of every embedding is all its layers at once.
        has_crossfit: whether scores are cross-fitted too: `mutual_knn` alone can be.
        device: a torch device.
    """

    metric: LayerMetric
    reducer: Reducer = "max"
    is_concatenated: bool = False
    has_crossfit: bool = False
    device: str = "cpu"


@dataclass(frozen=True)
class Block:
    """The pairs of a unit that are missing: which rows, which columns, and which of their pairs.

    `is_new` marks those of them that have no row at all.
    """

    rows: tuple[int, ...]
    columns: tuple[int, ...]
    wanted: NDArray[np.bool_]
    is_new: NDArray[np.bool_]


def missing_block(
    slots: SlotTable,
    unit: Unit,
    pairs: Literal["all", "across"],
    complete: set[tuple[int, int]],
    written: set[tuple[int, int]],
) -> Block | None:
    """Return what a unit has to compute, without the pairs that are complete; None where that is nothing.

    Args:
        slots: the target's matrix.
        unit: the block.
        pairs: the target's scope.
        complete: pairs of the block that lack nothing, beyond what the watermarks promise.
        written: pairs of it that have a row.
    """
    asked = {
        row: [
            int(column)
            for column in wanted_columns(slots, row, unit.start, unit.stop, pairs)
            if (row, int(column)) not in complete
        ]
        for row in unit.rows
    }
    rows = tuple(row for row, columns in asked.items() if columns)
    columns = tuple(sorted({column for listed in asked.values() for column in listed}))
    if not rows:
        return None
    wanted = np.array([np.isin(columns, asked[row]) for row in rows])
    new = np.array([[(row, column) not in written for column in columns] for row in rows])
    return Block(rows, columns, wanted, wanted & new)


def score_block(block: Block, load: Load, rule: Rule) -> ScoredUnit:
    """Return the grid of a block, the best layers of each pair, and how sure its score is.

    Args:
        block: what is missing.
        load: gives the stored arrays of a slot, with a leading axis of layers.
        rule: how to compare.

    Raises:
        ValueError: layers cannot be compared by this metric.
    """
    metric = rule.metric
    rows, columns = (metric.stack([load(slot) for slot in slots]) for slots in (block.rows, block.columns))
    limits = column_limits(block, rows.layer_counts, columns.layer_counts)
    cells = _cells(rows, columns, rule)
    fitted = np.full(block.wanted.shape, np.nan)
    grid: NDArray[Any]
    if rule.has_crossfit:
        grid, fitted = grid_and_crossfit(
            rows, columns, limits=limits, reducer=rule.reducer, cells=cells, device=rule.device
        )
    else:
        grid = metric.grid(rows, columns, limits=limits, device=rule.device)
    grid = _from_the_left(grid)
    best = [
        best_layers(one, rows.layer_counts, columns.layer_counts, rule.reducer, cells=cells) for one in grid
    ]
    return ScoredUnit(
        rows=block.rows,
        columns=block.columns,
        row_layers=rows.layer_counts,
        column_layers=columns.layer_counts,
        wanted=block.wanted,
        is_new=block.is_new,
        grid=grid,
        scale=metric.scale(rows.item_count),
        best=best,
        score_se=_standard_errors(block, best, load, metric),
        crossfit=fitted,
        cells=cells,
        layer_pairs=layer_pair_counts(
            rows.layer_counts, columns.layer_counts, is_concatenated=rule.is_concatenated
        ),
        chance=_chances(block, best, load, metric),
    )


def null_block(
    block: Block, load: Load, orders: Callable[[int, int], Integers], rule: Rule, *, draws: int
) -> NDArray[Any]:
    """Return the reduced entries of a block's pairs in every draw, (draws, directions, rows, columns).

    Directions are in the order of `ScoredUnit`.

    Args:
        block: the pairs.
        load: gives the stored arrays of a slot.
        orders: gives the permutation of a slot's items in a draw; called with both.
        rule: how to compare.
        draws: how many.
    """
    metric = rule.metric

    def side(slots: Sequence[int]) -> Side:
        return metric.stack([_reduced(load(slot), rule.reducer) for slot in slots])

    def of_draw(draw: int) -> tuple[Sequence[Integers], Sequence[Integers]]:
        known = {slot: orders(slot, draw) for slot in {*block.rows, *block.columns}}
        return [known[slot] for slot in block.rows], [known[slot] for slot in block.columns]

    rows, columns = side(block.rows), side(block.columns)
    drawn = null_draws(
        metric,
        rows,
        columns,
        of_draw,
        draws,
        limits=column_limits(block, rows.layer_counts, columns.layer_counts),
        cells=_cells(rows, columns, rule),
        device=rule.device,
    )
    return drawn[:, ::-1]  # as `_from_the_left` turns the grid


def column_limits(block: Block, row_layers: Integers, column_layers: Integers) -> Integers:
    """Return how many column layers lie to the left of each row layer's own slot."""
    before = np.searchsorted(block.columns, block.rows)
    limits: Integers = np.repeat(offsets_of(column_layers)[before], row_layers)
    return limits


def _from_the_left(grid: NDArray[Any]) -> NDArray[Any]:
    """Return a grid with the direction from the column, which is the left of its pair, before the other."""
    return grid[::-1]


def _cells(rows: Side, columns: Side, rule: Rule) -> Flags | None:
    if not rule.is_concatenated or rule.reducer == "last":
        return None
    return compared_cells(rows.layer_counts, columns.layer_counts)


def _reduced(arrays: Arrays, reducer: Reducer) -> Arrays:
    """Return the layers that a reducer looks at: all of them, or the last."""
    return arrays if reducer == "max" else {name: array[-1:] for name, array in arrays.items()}


def layer_of(arrays: Arrays, layer: int) -> Arrays:
    """Return the arrays of one layer, without an axis of layers."""
    return {name: array[layer] for name, array in arrays.items()}


def _chances(
    block: Block, best: Sequence[BestLayers], load: Load, metric: LayerMetric
) -> NDArray[np.float64]:
    """Return the closed form of a metric whose chance depends on the layers, at the best ones; else NaN."""
    chances = np.full((len(best), *block.wanted.shape), np.nan)
    if not isinstance(metric, KnowsPairChance):
        return chances
    for i, j, direction, left, right in _best_pairs(block, best, load):
        expected = metric.pair_chance(left, right)
        if expected is None:
            break
        chances[direction, i, j] = expected[direction]
    return chances


def _best_pairs(
    block: Block, best: Sequence[BestLayers], load: Load
) -> Iterator[tuple[int, int, int, Arrays, Arrays]]:
    """Yield the position, the direction and the best layers of every wanted pair."""
    for i, j in zip(*np.nonzero(block.wanted), strict=True):
        for direction, chosen in enumerate(best):
            left = layer_of(load(block.columns[j]), chosen.column_layer[i, j])
            right = layer_of(load(block.rows[i]), chosen.row_layer[i, j])
            yield int(i), int(j), direction, left, right


def _standard_errors(
    block: Block, best: Sequence[BestLayers], load: Load, metric: LayerMetric
) -> NDArray[np.float64]:
    """Return the standard error of every wanted score, (directions, rows, columns); NaN where it has none."""
    errors = np.full((len(best), *block.wanted.shape), np.nan)
    for i, j, direction, left, right in _best_pairs(block, best, load):
        values = metric.item_values(left, right)
        if values is None:
            break
        errors[direction, i, j] = standard_error(values[direction])
    return errors
