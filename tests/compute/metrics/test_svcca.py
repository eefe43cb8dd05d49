"""SVCCA against its definition: canonical correlations of the leading directions of standardised features."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import subspace_angles

from compute.metrics.contract import Side
from compute.metrics.svcca import Svcca, svcca_of

torch.set_num_threads(1)
STORED = 1e-6  # float32 bases of norm 1: an entry of a product is off by some 1e-7
SEEDS = st.integers(0, 2**20)


def features(n: int, d: int, seed: int) -> np.ndarray:
    """Features whose spectrum falls, so that the leading directions are well defined."""
    random = np.random.default_rng(seed)
    rows = random.normal(size=(n, d)) * 0.8 ** np.arange(d)
    return np.asarray(rows @ np.linalg.qr(random.normal(size=(d, d)))[0] + random.normal(size=d))


def twin(left: np.ndarray, right: np.ndarray, dimensions: int) -> float:
    """The definition: mean cosine of the principal angles of two subspaces."""
    bases = []
    for rows in (left, right):
        columns = [(c - c.mean()) / c.std() for c in rows.T if c.std() > 1e-12 * np.abs(rows).max()]
        vectors, values, _ = np.linalg.svd(np.stack(columns, axis=1), full_matrices=False)
        rank = min(dimensions, int((values > values[0] * 1e-7).sum()))
        bases.append(vectors[:, :rank])
    return float(np.cos(subspace_angles(*bases)).mean())


def side(metric: Svcca, *embeddings: list[np.ndarray]) -> Side:
    """Layers as the engine keeps them, and side by side."""
    stored = []
    for layers in embeddings:
        arrays = [metric.layer_arrays(torch.from_numpy(rows), None) for rows in layers]
        stored.append({name: np.stack([one[name] for one in arrays]) for name in arrays[0]})
    return metric.stack(stored)


@given(d=st.integers(1, 60), e=st.integers(1, 60), dimensions=st.integers(1, 12), seed=SEEDS)
@settings(max_examples=40, deadline=None)
def test_the_score_is_the_mean_cosine_of_principal_angles(d: int, e: int, dimensions: int, seed: int) -> None:
    """Wide and narrow layers; to 1e-6, since close eigenvalues of a Gram matrix mix their vectors."""
    left, right = features(30, d, seed), features(30, e, seed + 1)
    assert svcca_of(left, right, dimensions=dimensions) == pytest.approx(
        twin(left, right, dimensions), abs=1e-6
    )


def test_a_case_by_hand() -> None:
    """One direction each: the score is the absolute correlation of the two columns."""
    left, right = np.array([[1.0], [2.0], [3.0], [4.0]]), np.array([[-1.0], [-3.0], [-2.0], [-4.0]])
    assert svcca_of(left, right, dimensions=1) == pytest.approx(0.8)


def test_a_grid_is_every_pair_of_two_sides() -> None:
    metric = Svcca(5)
    left = [[features(40, d, d) for d in (8, 50)], [features(40, 12, 3)]]
    right = [[features(40, d, 100 + d) for d in (45, 9, 3, 20)]]
    found = metric.grid(side(metric, *left), side(metric, *right))
    expected = [[twin(a, b, 5) for b in right[0]] for layers in left for a in layers]
    assert found.shape == (1, 3, 4)
    assert np.allclose(found[0], expected, atol=STORED, rtol=0)


def test_limits_leave_out_what_lies_beyond() -> None:
    metric = Svcca(4)
    both = side(metric, [features(30, 9, seed) for seed in range(5)])
    limits = np.array([1, 2, 3, 4, 5])
    whole, part = metric.grid(both, both)[0], metric.grid(both, both, limits=limits)[0]
    assert np.allclose(np.tril(whole), np.tril(part), atol=1e-12)
    assert np.allclose(whole, whole.T, atol=STORED)
    assert np.allclose(whole.diagonal(), 1, atol=STORED)


@given(n=st.integers(26, 40), d=st.integers(2, 50), seed=SEEDS)
@settings(max_examples=30, deadline=None)
def test_range_identity_and_invariances(n: int, d: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    left, right = features(n, d, seed), features(n, 12, seed + 1)
    score = svcca_of(left, right)
    assert 0 <= score <= 1
    assert svcca_of(right, left) == pytest.approx(score, abs=1e-9)
    assert svcca_of(left, left) == pytest.approx(1, abs=1e-12)
    changed = left * random.uniform(0.5, 2, d) + random.normal(size=d)
    order = random.permutation(n)
    assert svcca_of(changed[order], right[order]) == pytest.approx(score, abs=1e-6)


def test_constant_features_are_left_out() -> None:
    left, right = features(30, 9, 0), features(30, 12, 1)
    more = np.concatenate([np.full((30, 2), 0.1), left, np.zeros((30, 1))], axis=1)
    assert svcca_of(more, right) == pytest.approx(svcca_of(left, right), abs=1e-9)


def test_a_strong_common_mean_changes_nothing() -> None:
    """To 1e-4: of features 1e9 from their mean float64 keeps 7 digits."""
    left, right = features(30, 9, 2), features(30, 12, 3)
    assert svcca_of(left + 1e9, right) == pytest.approx(svcca_of(left, right), abs=1e-4)


def test_a_layer_of_lower_rank_counts_its_own_directions() -> None:
    left, right = features(40, 3, 4), features(40, 20, 5)
    metric = Svcca(10)
    sides = side(metric, [left]), side(metric, [right])
    assert sides[0].arrays["ranks"].tolist() == [3]
    assert metric.grid(*sides)[0, 0, 0] == pytest.approx(twin(left, right, 10), abs=STORED)


def test_permuted_layers_score_as_layers_of_permuted_items() -> None:
    metric, random = Svcca(4), np.random.default_rng(6)
    embeddings = [[features(30, 9, 0), features(30, 8, 1)], [features(30, 7, 2)]]
    orders = [random.permutation(30) for _ in embeddings]
    moved = [[rows[order] for rows in layers] for layers, order in zip(embeddings, orders, strict=True)]
    other = side(metric, [features(30, 10, 3)])
    found = metric.grid(metric.permuted(side(metric, *embeddings), orders), other)
    assert np.allclose(found, metric.grid(side(metric, *moved), other), atol=STORED)


def test_unrelated_layers_score_about_the_root_of_dimensions_over_items() -> None:
    n, dimensions, random = 400, 10, np.random.default_rng(7)
    metric = Svcca(dimensions)
    one, other = (side(metric, [random.normal(size=(n, 30))]) for _ in range(2))
    scores = [metric.grid(metric.permuted(one, [random.permutation(n)]), other).item() for _ in range(50)]
    assert 0.5 * (dimensions / n) ** 0.5 < np.mean(scores) < 1.5 * (dimensions / n) ** 0.5


@pytest.mark.parametrize(("n", "is_refused"), [(20, True), (21, True), (22, False)])
def test_subspaces_that_must_meet_are_refused_and_no_others(n: int, is_refused: bool) -> None:
    """Two of 10 dimensions in the n - 1 of centred features."""
    metric = Svcca(10)
    left, right = side(metric, [features(n, 30, 8)]), side(metric, [features(n, 30, 9)])
    if not is_refused:
        assert metric.grid(left, right).item() < 0.999
        return
    with pytest.raises(ValueError, match=rf"rank 10.*rank 10.*fewer than {n - 1}"):
        metric.grid(left, right)
    with pytest.raises(ValueError, match="rank 10"):
        svcca_of(features(n, 30, 8), features(n, 30, 9))


def test_a_pair_that_is_not_wanted_is_not_refused() -> None:
    metric = Svcca(10)
    left, right = side(metric, [features(20, 30, 8)]), side(metric, [features(20, 3, 9), features(20, 30, 9)])
    assert np.isfinite(metric.grid(left, right, limits=np.array([1]))[0, 0, 0])


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [(np.ones((9, 3)), "all rows are equal"), (np.eye(3), "3 items, expected at least 4")],
)
def test_what_has_no_direction_is_refused(rows: np.ndarray, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Svcca(2).layer_arrays(torch.from_numpy(rows), None)


def test_other_items_are_refused() -> None:
    metric = Svcca(2)
    with pytest.raises(ValueError, match="20 items, the columns 21"):
        metric.grid(side(metric, [features(20, 5, 0)]), side(metric, [features(21, 5, 0)]))


def test_it_is_no_mean_over_items() -> None:
    assert (Svcca(2).item_values({}, {}), Svcca(2).pair_chance({}, {}), Svcca(2).scale(9)) == (None, None, 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_gpu_gives_the_same_scores() -> None:
    """To 1e-5, what is asked of metrics on kernels."""
    metric = Svcca(10)
    rows, columns = (side(metric, [features(200, 60, seed + i) for i in range(3)]) for seed in (0, 9))
    found = metric.grid(rows, columns, device="cuda")
    assert np.allclose(found, metric.grid(rows, columns), atol=1e-5)
    on_gpu = metric.layer_arrays(torch.from_numpy(features(200, 60, 0)).cuda(), None)
    assert np.allclose(np.abs(on_gpu["bases"]), np.abs(rows.arrays["bases"][:, 0]), atol=1e-5)
