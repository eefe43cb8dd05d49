"""All layer pairs of a block at once, on whichever device there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from compute.folds import crossfit, pair_folds
from compute.grids import ScoredUnit
from compute.intervals import item_overlaps, standard_error
from compute.inverted_lists import by_item, shared_by_item, shared_in_folds
from compute.metrics.mutual_knn import mutual_knn
from compute.null import Side, null_counts, reduced_lists
from compute.reduction import BestLayers, best_layers, offsets_of
from compute.units import SlotTable, Unit, wanted_columns

Lists = NDArray[np.unsignedinteger[Any]]
Integers = NDArray[np.int64]
Load = Callable[[int], Lists]
Reducer = Literal["max", "last"]


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


def score_block(
    slots: SlotTable, block: Block, load: Load, *, k: int, reducer: Reducer, device: str
) -> ScoredUnit:
    """Return the counts of every layer pair of a block, the best of each pair, and how sure it is.

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
    row_folds, column_folds = pair_folds(rows), pair_folds(columns)
    if device == "cpu":
        limits = _limits(block, row_layers, column_layers)
        grid, in_fold = shared_in_folds(rows, columns, row_folds, k=k, column_limits=limits)
    else:
        left, right = _on(device, rows), _on(device, columns)
        marks = torch.from_numpy(row_folds).to(device)
        grid = mutual_knn(left, right, k=k).cpu().numpy()
        in_fold = mutual_knn(left, right, k=k, row_marks=marks).cpu().numpy()
    best = best_layers(grid, row_layers, column_layers, reducer)
    fitted = crossfit(
        grid,
        in_fold,
        row_folds.sum(axis=(1, 2), dtype=np.int64),
        column_folds.sum(axis=(1, 2), dtype=np.int64),
        row_layers,
        column_layers,
        entries=rows.shape[1] * k,
        reducer=reducer,
    )
    errors = _standard_errors(block, best, load, k)
    return ScoredUnit(
        block.rows,
        block.columns,
        row_layers,
        column_layers,
        block.wanted,
        grid,
        best,
        errors,
        fitted,
        block.is_new,
    )


def null_block(
    block: Block,
    load: Load,
    orders: Callable[[int, int], Integers],
    *,
    draws: int,
    k: int,
    reducer: Reducer,
    device: str,
) -> NDArray[np.int32]:
    """Return the reduced counts of a block's pairs in every draw, (draws, rows, columns).

    Args:
        block: the pairs.
        load: gives the (layers, n, k_max) lists of a slot.
        orders: gives the permutation of a slot's items in a draw; called with both.
        draws: how many.
        k: how many neighbours count.
        reducer: of the score.
        device: a torch device; `cpu` takes the inverted lists.
    """
    rows, columns = (_side(slots, load, k, reducer) for slots in (block.rows, block.columns))

    def of_draw(draw: int) -> tuple[Sequence[Integers], Sequence[Integers]]:
        known = {slot: orders(slot, draw) for slot in {*block.rows, *block.columns}}
        return [known[slot] for slot in block.rows], [known[slot] for slot in block.columns]

    limits = _limits(block, rows.layer_counts, columns.layer_counts)

    def count(left: Lists, right: Lists) -> Integers:
        if device == "cpu":
            return shared_by_item(left, right, limits)
        stacks = (_on(device, lists.transpose(1, 0, 2)) for lists in (left, right))
        counted: Integers = mutual_knn(*stacks, k=k).cpu().numpy()
        return counted

    return null_counts(rows, columns, of_draw, draws, count)


def _side(slots: tuple[int, ...], load: Load, k: int, reducer: Reducer) -> Side:
    stacks = [reduced_lists(load(slot), reducer) for slot in slots]
    return Side(by_item(np.concatenate(stacks), k), np.array([len(stack) for stack in stacks]))


def _limits(block: Block, row_layers: Integers, column_layers: Integers) -> Integers:
    """Return how many column layers lie to the left of each row layer's own slot."""
    before = np.searchsorted(block.columns, block.rows)
    return np.repeat(offsets_of(column_layers)[before], row_layers)


def _on(device: str, lists: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(lists).astype(np.int32)).to(device)


def _standard_errors(block: Block, best: BestLayers, load: Load, k: int) -> NDArray[np.float64]:
    errors = np.full(block.wanted.shape, np.nan)
    for i, j in zip(*np.nonzero(block.wanted), strict=True):
        left = load(block.rows[i])[best.row_layer[i, j]]
        right = load(block.columns[j])[best.column_layer[i, j]]
        errors[i, j] = standard_error(item_overlaps(left, right, k=k))
    return errors
