"""What must hold for any scores: broken metrics and damaged lists are caught, and the layers are named."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from compute.catalogue import METRICS
from compute.engine import Block, Rule, score_block
from compute.gates import check_self_scores, check_unit
from compute.metrics.contract import Arrays, Integers, Side
from compute.metrics.mutual_knn import MutualKnn

N, K = 12, 3
INFO = METRICS["mutual_knn"]


def lists_of(seed: int, layers: int) -> NDArray[np.uint8]:
    random = np.random.default_rng(seed)
    others = [[m for m in range(N) if m != item] for item in range(N)]
    return np.array([[random.permutation(row)[:K] for row in others] for _ in range(layers)], np.uint8)


STORED: dict[int, Arrays] = {slot: {"indices": lists_of(slot, 2)} for slot in range(3)}
EVERYTHING = np.array([[True, False], [True, True]])
BLOCK = Block((1, 2), (0, 1), EVERYTHING, EVERYTHING)


def name(slot: int, layer: int) -> str:
    return f"layer {layer} of slot {slot}"


@dataclass(frozen=True)
class Broken(MutualKnn):
    """mutual_knn whose grids something has gone wrong with; `wrong` gets the grid and both sides."""

    wrong: Callable[[NDArray[Any], Side, Side], None] = lambda _grid, _rows, _columns: None

    def grid(
        self, rows: Side, columns: Side, *, limits: Integers | None = None, device: str = "cpu"
    ) -> NDArray[Any]:
        grid = super().grid(rows, columns, device=device).copy()
        self.wrong(grid, rows, columns)
        return grid


def check(wrong: Callable[[NDArray[Any], Side, Side], None]) -> None:
    rule = Rule(Broken(k=K, wrong=wrong))
    check_unit(score_block(BLOCK, STORED.__getitem__, rule), STORED.__getitem__, rule, INFO, name)


def test_sound_scores_pass() -> None:
    check(lambda _grid, _rows, _columns: None)


def test_a_score_above_the_range_names_its_layers() -> None:
    def wrong(grid: NDArray[Any], rows: Side, columns: Side) -> None:
        if grid.shape[1:] == (4, 4):
            grid[0, 3, 1] = N * K + 1

    with pytest.raises(
        ValueError, match=r"layer 1 of slot 0 and layer 1 of slot 2 is 1.02777778, expected 0 to 1"
    ):
        check(wrong)


def test_what_nobody_asked_for_is_not_judged() -> None:
    def wrong(grid: NDArray[Any], rows: Side, columns: Side) -> None:
        if np.array_equal(rows.arrays["lists"][:, 0], STORED[1]["indices"][0]):
            grid[0, 0, 2] = -5  # row slot 1 with column slot 1

    check(wrong)


def test_a_score_that_depends_on_the_order_of_the_sides_is_caught() -> None:
    def wrong(grid: NDArray[Any], rows: Side, columns: Side) -> None:
        if np.array_equal(rows.arrays["lists"][:, 0], STORED[1]["indices"][0]):
            grid[0, 0, 0] += 1

    with pytest.raises(
        ValueError, match=r"layer 0 of slot 0 and layer 0 of slot 1 is .* with the sides exchanged"
    ):
        check(wrong)


def test_three_layers_that_break_the_triangle_bound_are_named() -> None:
    """Two layers said to be the same that differ in what they share with a third."""

    def wrong(grid: NDArray[Any], rows: Side, columns: Side) -> None:
        if np.array_equal(rows.arrays["lists"], columns.arrays["lists"]):
            grid[:] = N * K

    with pytest.raises(ValueError, match="breaks the triangle bound") as caught:
        check(wrong)
    assert len(re.findall(r"layer \d of slot \d", str(caught.value))) == 3


def test_a_damaged_list_does_not_score_one_with_itself() -> None:
    damaged = STORED[0]["indices"].copy()
    damaged[1, 4, :] = damaged[1, 4, 0]  # one neighbour three times
    with pytest.raises(ValueError, match=r"mutual_knn of layer 1 with itself is .*, expected 1"):
        check_self_scores(MutualKnn(k=K), INFO, {"indices": damaged}, lambda layer: f"layer {layer}")


def test_sound_lists_score_one_with_themselves() -> None:
    check_self_scores(MutualKnn(k=K), INFO, {"indices": lists_of(5, 20)}, lambda layer: f"layer {layer}")
