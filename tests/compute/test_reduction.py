from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.reduction import best_layers

counts = st.lists(st.integers(1, 4), min_size=1, max_size=4)


@given(counts, counts, st.integers(0, 1000))
def test_the_best_layers_are_the_first_maximum_of_each_block(
    rows: list[int], columns: list[int], seed: int
) -> None:
    grid = np.random.default_rng(seed).integers(0, 4, size=(sum(rows), sum(columns)))
    best = best_layers(grid, np.array(rows), np.array(columns))
    for i in range(len(rows)):
        for j in range(len(columns)):
            block = grid[sum(rows[:i]) : sum(rows[: i + 1]), sum(columns[:j]) : sum(columns[: j + 1])]
            place = divmod(int(block.argmax()), block.shape[1])
            assert best.count[i, j] == block.max()
            assert (best.row_layer[i, j], best.column_layer[i, j]) == place


@given(counts, counts, st.integers(0, 1000))
def test_last_takes_the_last_layers(rows: list[int], columns: list[int], seed: int) -> None:
    grid = np.random.default_rng(seed).integers(0, 9, size=(sum(rows), sum(columns)))
    best = best_layers(grid, np.array(rows), np.array(columns), "last")
    for i in range(len(rows)):
        for j in range(len(columns)):
            assert best.count[i, j] == grid[sum(rows[: i + 1]) - 1, sum(columns[: j + 1]) - 1]
            assert (best.row_layer[i, j], best.column_layer[i, j]) == (rows[i] - 1, columns[j] - 1)


def test_a_grid_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="the grid is"):
        best_layers(np.zeros((3, 3), np.int64), np.array([2]), np.array([3]))
