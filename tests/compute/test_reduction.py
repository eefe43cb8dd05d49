from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.reduction import best_layers, compared_cells, layer_pair_counts

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
            assert best.value[i, j] == block.max()
            assert (best.row_layer[i, j], best.column_layer[i, j]) == place


@given(counts, counts, st.integers(0, 1000))
def test_last_takes_the_last_layers(rows: list[int], columns: list[int], seed: int) -> None:
    grid = np.random.default_rng(seed).integers(0, 9, size=(sum(rows), sum(columns)))
    best = best_layers(grid, np.array(rows), np.array(columns), "last")
    for i in range(len(rows)):
        for j in range(len(columns)):
            assert best.value[i, j] == grid[sum(rows[: i + 1]) - 1, sum(columns[: j + 1]) - 1]
            assert (best.row_layer[i, j], best.column_layer[i, j]) == (rows[i] - 1, columns[j] - 1)


def test_a_grid_of_another_shape_is_refused() -> None:
    with pytest.raises(ValueError, match="the grid is"):
        best_layers(np.zeros((3, 3), np.int64), np.array([2]), np.array([3]))


def test_a_maximum_of_negative_scores_is_negative() -> None:
    """The released code begins at 0 and then has no layers to return."""
    best = best_layers(np.array([[-0.5, -0.25], [-0.75, -0.25]]), np.array([2]), np.array([2]))
    assert (best.value[0, 0], best.row_layer[0, 0], best.column_layer[0, 0]) == (-0.25, 0, 1)


def test_all_layers_at_once_are_compared_with_their_like_only() -> None:
    rows, columns = np.array([3, 2]), np.array([2])
    cells = compared_cells(rows, columns)
    assert cells.tolist() == [[True, False], [True, False], [False, True], [True, False], [False, True]]
    grid = np.array([[1, 9], [2, 9], [9, 1], [0, 9], [9, 3]])
    best = best_layers(grid, rows, columns, cells=cells)
    assert best.value.tolist() == [[2], [3]]
    assert (best.row_layer.tolist(), best.column_layer.tolist()) == ([[1], [1]], [[0], [1]])
    assert layer_pair_counts(rows, columns, is_concatenated=True).tolist() == [[3], [2]]
    assert cells.sum() == 5


def test_no_maximum_is_taken_from_layer_pairs_that_are_not_compared() -> None:
    best = best_layers(
        np.array([[-3.0, 9.0], [9.0, -4.0]]), np.array([2]), np.array([2]), cells=np.eye(2, dtype=bool)
    )
    assert (best.value[0, 0], best.row_layer[0, 0], best.column_layer[0, 0]) == (-3.0, 0, 0)
