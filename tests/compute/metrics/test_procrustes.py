"""Procrustes against its definition, scipy and rsatoolbox."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import orthogonal_procrustes
from scipy.spatial import procrustes
from scipy.spatial.distance import pdist

from compute.metrics.contract import Side
from compute.metrics.procrustes import Procrustes, procrustes_of

torch.set_num_threads(1)
STORED = 1e-6  # float32 components together of norm 1
SEEDS = st.integers(0, 2**20)


def features(n: int, d: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.asarray(random.normal(size=(n, d)) * 0.9 ** np.arange(d) + random.normal(size=d))


def twin(left: np.ndarray, right: np.ndarray) -> float:
    """The definition: turn one as close to the other as it goes, and take the inner product."""
    width = max(left.shape[1], right.shape[1])
    sides = []
    for rows in (left, right):
        wide = np.pad(rows - rows.mean(axis=0), ((0, 0), (0, width - rows.shape[1])))
        sides.append(wide / np.sqrt(np.sum(wide**2)))
    rotation, _ = orthogonal_procrustes(*sides)
    return float(np.sum((sides[0] @ rotation) * sides[1]))


def projected(rows: np.ndarray, dimensions: int) -> np.ndarray:
    centred = rows - rows.mean(axis=0)
    u, s, _ = np.linalg.svd(centred, full_matrices=False)
    return np.asarray((u * s)[:, :dimensions])


def side(metric: Procrustes, *embeddings: list[np.ndarray]) -> Side:
    stored = []
    for layers in embeddings:
        arrays = [metric.layer_arrays(torch.from_numpy(rows), None) for rows in layers]
        stored.append({name: np.stack([one[name] for one in arrays]) for name in arrays[0]})
    return metric.stack(stored)


@given(d=st.integers(1, 50), e=st.integers(1, 50), seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_score_is_the_inner_product_after_the_best_rotation(d: int, e: int, seed: int) -> None:
    left, right = features(25, d, seed), features(25, e, seed + 1)
    assert procrustes_of(left, right) == pytest.approx(twin(left, right), abs=1e-9)


@given(d=st.integers(2, 60), dimensions=st.integers(1, 12), seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_layers_are_projected_to_their_leading_components(d: int, dimensions: int, seed: int) -> None:
    """To 1e-6: eigenvectors of a Gram matrix whose eigenvalues come close are mixed."""
    left, right = features(25, d, seed), features(25, 9, seed + 1)
    expected = twin(projected(left, dimensions), projected(right, dimensions))
    assert procrustes_of(left, right, dimensions=dimensions) == pytest.approx(expected, abs=1e-6)


def test_a_case_by_hand() -> None:
    """One centred column each, of norm 1: the score is the absolute value of their inner product."""
    left, right = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[-1.0], [-3.0], [-2.0], [-4.0]])
    assert procrustes_of(left, right) == pytest.approx(0.8)


def test_scipy_gives_one_less_the_square() -> None:
    left, right = features(30, 7, 0), features(30, 7, 1)
    assert procrustes(left, right)[2] == pytest.approx(1 - procrustes_of(left, right) ** 2, abs=1e-9)


def test_rsatoolbox_gives_it_as_the_bures_similarity() -> None:
    """To 1e-6: it takes roots of the matrices of inner products."""
    rdm = pytest.importorskip("rsatoolbox.rdm")
    left, right = features(30, 7, 2), features(30, 12, 3)
    one, other = (rdm.RDMs(pdist(rows, "sqeuclidean")[None]) for rows in (left, right))
    found = float(rdm.compare(one, other, method="bures")[0, 0])
    assert procrustes_of(left, right) == pytest.approx(found, abs=1e-6)


def test_a_grid_is_every_pair_of_two_sides(monkeypatch: pytest.MonkeyPatch) -> None:
    metric = Procrustes(20)
    left = [[features(40, d, d) for d in (8, 20)], [features(40, 12, 3)]]
    right = [[features(40, d, 100 + d) for d in (15, 9, 3, 20)]]
    rows, columns = side(metric, *left), side(metric, *right)
    found = metric.grid(rows, columns)
    expected = [[twin(a, b) for b in right[0]] for layers in left for a in layers]
    assert found.shape == (1, 3, 4)
    assert np.allclose(found[0], expected, atol=STORED, rtol=0)
    monkeypatch.setattr("compute.metrics.bases.ENTRIES_AT_ONCE", 1)
    assert np.allclose(metric.grid(rows, columns), found, atol=STORED)


def test_limits_leave_out_what_lies_beyond() -> None:
    metric = Procrustes(6)
    both = side(metric, [features(30, 9, seed) for seed in range(5)])
    whole = metric.grid(both, both)[0]
    part = metric.grid(both, both, limits=np.array([0, 1, 3, 2, 5]))[0]
    for row, limit in enumerate((0, 1, 3, 2, 5)):
        assert np.allclose(part[row, :limit], whole[row, :limit], atol=1e-12)
    assert np.allclose(whole.diagonal(), 1, atol=STORED)
    assert np.allclose(whole, whole.T, atol=STORED)


@given(n=st.integers(4, 40), d=st.integers(1, 50), seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_range_identity_and_invariances(n: int, d: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = features(n, d, seed), features(n, 12, seed + 1)
    score = procrustes_of(left, right)
    assert 0 <= score <= 1
    assert procrustes_of(right, left) == pytest.approx(score, abs=1e-9)
    assert procrustes_of(left, left) == pytest.approx(1, abs=1e-9)
    rotation = np.linalg.qr(random.normal(size=(d, d)))[0]
    order = random.permutation(n)
    changed = (3.0 * left @ rotation + random.normal(size=d))[order]
    assert procrustes_of(changed, right[order]) == pytest.approx(score, abs=1e-8)


def test_one_less_the_score_is_half_a_squared_distance() -> None:
    """Hence the triangle: distances after the best rotation are those of a metric."""
    layers = [features(20, d, d) for d in (3, 5, 8)]
    distance = [[(2 - 2 * procrustes_of(a, b)) ** 0.5 for b in layers] for a in layers]
    assert distance[0][2] <= distance[0][1] + distance[1][2]


def test_permuted_layers_score_as_layers_of_permuted_items() -> None:
    metric, random = Procrustes(8), np.random.default_rng(6)
    embeddings = [[features(30, 9, 0), features(30, 8, 1)], [features(30, 7, 2)]]
    orders = [random.permutation(30) for _ in embeddings]
    moved = [[rows[order] for rows in layers] for layers, order in zip(embeddings, orders, strict=True)]
    other = side(metric, [features(30, 10, 3)])
    found = metric.grid(metric.permuted(side(metric, *embeddings), orders), other)
    assert np.allclose(found, metric.grid(side(metric, *moved), other), atol=STORED)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [(np.ones((9, 3)), "all rows are equal"), (np.eye(3), "3 items, expected at least 4")],
)
def test_what_has_no_component_is_refused(rows: np.ndarray, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Procrustes(2).layer_arrays(torch.from_numpy(rows), None)


def test_it_is_no_mean_over_items() -> None:
    assert (Procrustes().item_values({}, {}), Procrustes().pair_chance({}, {})) == (None, None)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_same_scores() -> None:
    """To 1e-5, what is asked of metrics on kernels."""
    metric = Procrustes(64)
    rows, columns = (side(metric, [features(200, 60, seed + i) for i in range(3)]) for seed in (0, 9))
    found = metric.grid(rows, columns, device="cuda")
    assert np.allclose(found, metric.grid(rows, columns), atol=1e-5)
