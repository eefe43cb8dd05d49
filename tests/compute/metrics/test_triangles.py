from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from compute.metrics import triangle_products
from compute.metrics.cka import Cka
from compute.metrics.cka_rbf import CkaRbf
from compute.metrics.distance_correlation import DistanceCorrelation
from compute.metrics.kernels import centred_rows, linear_kernel, squared_distances, upper
from compute.metrics.rsa import Rsa
from compute.metrics.triangle_products import gathered, product
from compute.metrics.triangles import TriangleMetric, doubly_centred, stored, unbiased_centred
from compute.metrics.unbiased_cka import UnbiasedCka
from tests.compute.metrics.kernel_layers import random_layer, side_of

METRICS = [Cka(), UnbiasedCka(), CkaRbf(), Rsa(), Rsa("euclidean"), DistanceCorrelation()]
names = [repr(metric) for metric in METRICS]


def flat(triangle_upper: np.ndarray, diagonal: np.ndarray | None, n: int) -> np.ndarray:
    """The matrix of a triangle, by loops."""
    matrix = np.zeros((n, n)) if diagonal is None else np.diag(diagonal).astype(float)
    for place, (i, j) in enumerate(itertools.combinations(range(n), 2)):
        matrix[i, j] = matrix[j, i] = triangle_upper[place] / np.sqrt(2)
    return matrix


def test_a_centred_kernel_worked_by_hand() -> None:
    # Items at 0, 0, 3, 3 on a line: centred -1.5, -1.5, 1.5, 1.5; every product is +-2.25, and |K| = 9.
    kernel, factor = linear_kernel(np.array([[0.0], [0.0], [3.0], [3.0]]), np.float64)
    triangle = doubly_centred(kernel)
    assert triangle.norm * factor == pytest.approx(9)
    assert flat(triangle.upper, triangle.diagonal, 4) == pytest.approx(
        np.outer([-1, -1, 1, 1], [-1, -1, 1, 1]) / 4
    )


def test_double_centring_equals_the_matrix_product() -> None:
    n = 9
    kernel = random_layer(n, 9, 1)
    kernel = kernel + kernel.T
    centring = np.eye(n) - 1 / n
    expected = centring @ kernel @ centring
    triangle = doubly_centred(kernel.copy())
    assert flat(triangle.upper, triangle.diagonal, n) * triangle.norm == pytest.approx(expected, abs=1e-12)
    assert triangle.norm == pytest.approx(np.linalg.norm(expected), rel=1e-12)


def test_rows_of_a_u_centred_kernel_sum_to_zero() -> None:
    kernel = random_layer(8, 8, 2)
    triangle = unbiased_centred(kernel + kernel.T)
    matrix = flat(triangle.upper, None, 8)
    assert matrix.sum(axis=0) == pytest.approx(np.zeros(8), abs=1e-14)
    assert np.linalg.norm(matrix) == pytest.approx(1, rel=1e-14)


def test_distances_equal_the_definition_and_duplicates_are_at_zero() -> None:
    rows = random_layer(7, 3, 3) + 1e6
    rows[4] = rows[2]
    squares, factor = squared_distances(rows)
    for i, j in itertools.product(range(7), repeat=2):
        assert squares[i, j] * factor == pytest.approx(((rows[i] - rows[j]) ** 2).sum(), rel=1e-8)
    assert squares[2, 4] == 0


def test_upper_reads_row_after_row() -> None:
    assert upper(np.arange(16.0).reshape(4, 4)).tolist() == [1, 2, 3, 6, 7, 11]


@pytest.mark.parametrize("metric", METRICS, ids=names)
@pytest.mark.parametrize("device", ["cpu", "cpu:0"])  # the latter takes the path for a GPU
def test_permuted_sides_equal_layers_of_permuted_rows(metric: TriangleMetric, device: str) -> None:
    """Both paths of the gather, of two embeddings with their own permutations, one of three layers."""
    n = 13
    embeddings = [[random_layer(n, 4, seed) for seed in seeds] for seeds in ([1, 2, 3], [4])]
    orders = [np.random.default_rng(seed).permutation(n) for seed in (5, 6)]
    moved = side_of(
        metric, *[[rows[order] for rows in ls] for ls, order in zip(embeddings, orders, strict=True)]
    )
    side = metric.permuted(side_of(metric, *embeddings), orders)
    found = metric.grid(side, moved, device=device)
    assert found == pytest.approx(metric.grid(moved, moved), abs=1e-6)  # float32 of other sums
    if device != "cpu":
        triangles, entries = torch.from_numpy(side.arrays["triangles"]), n * (n - 1) // 2
        pieces = [
            gathered(triangles, np.array([0, 3, 4]), side.arrays["orders"], begin, min(begin + 17, entries))
            for begin in range(0, entries, 17)
        ]
        assert torch.cat(pieces, dim=1).numpy() == pytest.approx(moved.arrays["triangles"], abs=1e-6)


def test_permuting_twice_is_permuting_by_both() -> None:
    metric, n = Cka(), 11
    side, other = (side_of(metric, [random_layer(n, 3, seed)]) for seed in (1, 2))
    first, second = (np.random.default_rng(seed).permutation(n) for seed in (3, 4))
    twice = metric.permuted(metric.permuted(side, [first]), [second])
    once = metric.permuted(side, [first[second]])
    assert metric.grid(twice, other) == metric.grid(once, other)


@settings(deadline=None, max_examples=20)
@given(st.integers(4, 40), st.integers(1, 100), st.integers(0, 10_000))
def test_pieces_do_not_change_the_products(n: int, piece: int, seed: int) -> None:
    """Pieces of a few entries, and permutations, against one product of the gathered whole."""
    metric = Cka()
    left = side_of(metric, [random_layer(n, 3, seed)], [random_layer(n, 2, seed + 1)])
    right = side_of(metric, [random_layer(n, 3, seed + 2)])
    random = np.random.default_rng(seed)
    moved = metric.permuted(left, [random.permutation(n), random.permutation(n)])
    whole = metric.grid(moved, right)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triangle_products, "COLUMNS_AT_ONCE", piece)
        patch.setattr(triangle_products, "COLUMNS_AT_ONCE_ON_A_CPU", max(1, piece // 3))
        patch.setattr(triangle_products, "GATHERED_AT_ONCE", 1)
        assert metric.grid(moved, right) == pytest.approx(whole, abs=1e-6)


@pytest.mark.parametrize("metric", METRICS, ids=names)
def test_limits_leave_what_is_within_them_as_it_is(metric: TriangleMetric) -> None:
    side = side_of(metric, [random_layer(12, 3, seed) for seed in range(70)])
    full = metric.grid(side, side)[0]
    limits = np.arange(1, 71)
    limited = metric.grid(side, side, limits=limits)[0]
    wanted = np.arange(70)[None, :] < limits[:, None]
    assert limited[wanted] == pytest.approx(full[wanted], abs=1e-6)


@pytest.mark.parametrize("metric", METRICS, ids=names)
def test_a_grid_is_symmetric_and_one_on_its_diagonal(metric: TriangleMetric) -> None:
    side = side_of(metric, [random_layer(50, d, d) for d in (2, 9, 60, 200)])
    grid = metric.grid(side, side)
    assert grid.shape == (1, 4, 4)
    assert grid.dtype == np.float64
    assert grid[0] == pytest.approx(grid[0].T, abs=1e-6)  # float32 products
    assert np.diag(grid[0]) == pytest.approx(np.ones(4), abs=1e-6)


@pytest.mark.parametrize("metric", METRICS, ids=names)
def test_float16_triangles_cost_little(metric: TriangleMetric) -> None:
    """From n = 1,024 on; rounding to 11 bits averages out over 523,776 entries: about 1e-6.

    The root in distance correlation makes more of it where the score is low: over 2 * 0.127 here.
    """
    layers = [random_layer(1_024, 64, 1)]
    layers.append(random_layer(1_024, 300, 2, like=layers[0]))
    layers.append(np.cumsum(random_layer(1_024, 20, 3), axis=0))  # neighbours in a series are alike
    side = side_of(metric, layers)
    assert side.arrays["triangles"].dtype == np.float16
    exact = [metric.triangle(rows, np.float64) for rows in layers]
    products = np.array([[left.times(right) for right in exact] for left in exact])
    expected = metric.finished(products, None, None)
    tolerance = 6e-6 if metric == DistanceCorrelation() else 2e-6
    assert metric.grid(side, side)[0] == pytest.approx(expected, abs=tolerance)


def test_float16_triangles_have_no_subnormals_to_speak_of() -> None:
    n = 65_536  # entries of a triangle of that many items, without the triangle
    triangle = unbiased_centred(random_layer(8, 8, 1))
    typical = np.random.default_rng(1).standard_normal(100_000) / n
    kept = stored(type(triangle)(typical, None, 1.0), is_half=True)["triangles"]
    smallest = np.finfo(np.float16).tiny
    assert (np.abs(kept) < smallest).mean() < 1e-3
    assert np.isfinite(kept).all()
    alone = stored(type(triangle)(np.array([1.0, 0.0]), None, 1.0), is_half=True)["triangles"]
    assert alone.tolist() == [32768, 0]  # the largest entry that there can be


def test_layers_are_stored_as_float32_below_1024_items() -> None:
    arrays = Cka().layer_arrays(torch.from_numpy(random_layer(1_023, 2, 1)), None)
    assert {name: array.dtype.name for name, array in arrays.items()} == {
        "triangles": "float32",
        "diagonals": "float32",
        "lengths": "float64",
        "norms": "float64",
    }


@pytest.mark.parametrize("metric", METRICS, ids=names)
def test_equal_rows_are_refused(metric: TriangleMetric) -> None:
    rows = np.tile(random_layer(1, 5, 1), (20, 1))
    directions = rows * np.random.default_rng(2).uniform(1, 2, (20, 1))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)  # equal but for their rounding
    for layer in (rows, directions, np.zeros((20, 5)), np.full((2_000, 3), 0.1)):
        with pytest.raises(ValueError, match=r"equal|constant"):
            metric.layer_arrays(torch.from_numpy(layer), None)


@pytest.mark.parametrize("metric", METRICS, ids=names)
def test_fewer_than_four_items_are_refused(metric: TriangleMetric) -> None:
    with pytest.raises(ValueError, match="3 items, expected at least 4"):
        metric.layer_arrays(torch.from_numpy(random_layer(3, 5, 1)), None)
    metric.layer_arrays(torch.from_numpy(random_layer(4, 5, 1)), None)


@pytest.mark.parametrize("n", [40, 1_100])
def test_a_layer_whose_pairs_are_all_alike_has_no_u_centred_kernel(n: int) -> None:
    with pytest.raises(ValueError, match="equally similar"):
        UnbiasedCka().layer_arrays(torch.eye(n, dtype=torch.float64), None)


def test_different_items_are_refused() -> None:
    metric = Cka()
    with pytest.raises(ValueError, match="the rows have 8 items, the columns 9"):
        metric.grid(side_of(metric, [random_layer(8, 2, 1)]), side_of(metric, [random_layer(9, 2, 1)]))
    with pytest.raises(ValueError, match="the rows have 8 items, the columns 9"):
        metric.between(random_layer(8, 2, 1), random_layer(9, 2, 1))


def test_large_and_small_numbers_do_not_overflow_in_float32() -> None:
    metric = Cka()
    rows = random_layer(1_024, 10, 1)
    side = side_of(metric, [rows * 1e25, rows, rows * 1e-25])
    assert metric.grid(side, side)[0] == pytest.approx(np.ones((3, 3)), abs=1e-6)


def test_centred_rows_keep_the_digits_that_a_common_mean_leaves() -> None:
    rows = random_layer(30, 4, 5)
    centred, unit = centred_rows(rows + 1e7)
    expected = rows - rows.mean(axis=0)
    assert centred == pytest.approx(expected, abs=1e-8)  # the sum has lost 7 of 16 digits
    assert unit == pytest.approx(np.sqrt((expected**2).mean()), rel=1e-8)


def test_the_product_of_float16_pieces_is_that_of_their_float32() -> None:
    left, right = (torch.from_numpy(random_layer(5, 300, seed)).to(torch.float16) for seed in (1, 2))
    found = product(left, right)
    assert found.dtype == torch.float32
    assert torch.allclose(found, left.float() @ right.float().T)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("metric", METRICS, ids=names)
@pytest.mark.parametrize("n", [300, 1_100])
def test_the_gpu_gives_the_scores_of_the_cpu(metric: TriangleMetric, n: int) -> None:
    layers = [random_layer(n, 40, seed) for seed in range(4)]
    side = side_of(metric, layers[:3], layers[3:])
    moved = metric.permuted(side, [np.random.default_rng(seed).permutation(n) for seed in (1, 2)])
    for rows, columns in ((side, side), (moved, side), (moved, moved)):
        on_gpu = metric.grid(rows, columns, device="cuda")
        assert on_gpu == pytest.approx(metric.grid(rows, columns), abs=1e-5)
