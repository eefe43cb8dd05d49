"""Kernels and matrices of distances before they are stored."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from numpy.typing import NDArray

from ingest.matrix_checks import checked_matrices
from registry.errors import EmbeddingMismatch, InputError

Layer = NDArray[np.float32]
N = 5
POINTS = np.random.default_rng(0).normal(size=(N, 3))
DISTANCES = np.linalg.norm(POINTS[:, None] - POINTS[None], axis=2)


def check(matrix: object, kind: Literal["kernel", "distances"] = "distances") -> Layer:
    (checked,) = checked_matrices(
        {"rdm": matrix}, kind=kind, what="embedding of v1 on toy", dataset="toy", item_count=N
    ).values()
    return checked


def test_a_triangle_is_the_matrix_that_it_came_from() -> None:
    triangle = np.array([DISTANCES[i, j] for i in range(N) for j in range(i + 1, N)])
    whole = check(DISTANCES)
    for condensed in (triangle, triangle[None], triangle[:, None]):
        assert np.array_equal(check(condensed), whole)
    assert whole.dtype == np.float32
    assert np.array_equal(whole, whole.T)
    assert not whole.diagonal().any()


def test_rounding_is_taken_away_and_whole_numbers_are_taken() -> None:
    rough = DISTANCES + np.triu(np.full((N, N), 1e-8)) + np.eye(N) * 1e-9
    assert np.array_equal(check(rough), check(rough).T)
    assert check((DISTANCES > 1).astype(np.uint8)).dtype == np.float32


def with_entry(row: int, column: int, value: float) -> NDArray[np.float64]:
    changed = np.array(DISTANCES, dtype=np.float64)
    changed[row, column] = value
    return changed


@pytest.mark.parametrize(
    ("matrix", "kind", "sentence"),
    [
        (with_entry(1, 2, np.nan), "distances", "NaN at row 1, column 2"),
        (with_entry(0, 3, np.inf), "kernel", "infinity at row 0, column 3"),
        (with_entry(1, 2, 9.0), "kernel", "not symmetric: 9 at row 1, column 2"),
        (with_entry(4, 4, 0.5), "distances", "item 4 is at the distance 0.5 from itself"),
        (DISTANCES * 1e300, "distances", "too large for float32"),
        (np.array(["a"]), "distances", "expected numbers"),
        (-np.eye(N), "kernel", "item 0 would have the squared length -1"),
        (DISTANCES, "kernel", "no kernel of features: item"),
        (np.zeros(10), "kernel", "says nothing about a kernel's diagonal"),
    ],
)
def test_what_is_no_such_matrix_is_refused_in_a_sentence(
    matrix: np.ndarray, kind: Literal["kernel", "distances"], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        check(matrix, kind)


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (np.zeros((4, 4)), r"expected 5 x 5, .* found shape \(4, 4\)"),
        (np.zeros((5, 4)), r"found shape \(5, 4\)"),
        (np.zeros(6), "expected 10 entries for the 5 items of toy, found 6, of 4 items"),
    ],
)
def test_matrices_of_other_items_are_refused(matrix: np.ndarray, sentence: str) -> None:
    with pytest.raises(EmbeddingMismatch, match=sentence):
        check(matrix)


def test_a_kernel_keeps_its_diagonal() -> None:
    kernel = POINTS @ POINTS.T
    assert np.allclose(check(kernel, "kernel").diagonal(), (POINTS**2).sum(axis=1), rtol=1e-6)
