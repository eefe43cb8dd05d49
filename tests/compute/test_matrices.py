"""Kernels and distances in place of features."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from compute.layer_stats import layer_statistics
from compute.matrices import kernel_rank, matrix_statistics, prepare_matrix
from compute.neighbours import nearest_in_matrix, nearest_neighbours
from compute.recipe import parse_recipe, prepare
from registry.exclusions import ExcludedPairs

torch.set_num_threads(1)
COSINE, CENTRED = parse_recipe("cosine"), parse_recipe("centre,cosine")


def features(n: int = 60, d: int = 7, seed: int = 0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=(n, d)) + 0.5)


RECIPES = ["cosine", "centre,cosine", "inner", "centre,l2,centre,inner", "euclidean", "l2,euclidean"]


@pytest.mark.parametrize("recipe", RECIPES)
def test_the_kernel_of_features_has_the_neighbours_of_the_features(recipe: str) -> None:
    rows, rule = features(), parse_recipe(recipe)
    prepared = prepare(rows, rule)
    of_features = nearest_neighbours(prepared, tie_key="a", k_max=12, similarity=rule.similarity)
    kernel = prepare_matrix(rows @ rows.T, rule, are_distances=False)
    of_kernel = nearest_in_matrix(kernel, tie_key="a", k_max=12)
    assert (of_kernel.indices == of_features.indices).all()
    assert not of_kernel.tied_rows.any()


def test_cosine_distances_of_features_have_the_neighbours_of_the_features() -> None:
    unit = torch.nn.functional.normalize(features())
    of_features = nearest_neighbours(prepare(unit, COSINE), tie_key="a", k_max=12)
    distances = prepare_matrix(1 - unit @ unit.T, COSINE, are_distances=True)
    assert (nearest_in_matrix(distances, tie_key="a", k_max=12).indices == of_features.indices).all()


def test_euclidean_neighbours_are_the_nearest_by_definition() -> None:
    rows = features(30)
    distances = torch.cdist(rows, rows)
    found = nearest_in_matrix(prepare_matrix(distances, COSINE, are_distances=True), tie_key="a", k_max=5)
    for i in range(30):
        others = sorted((j for j in range(30) if j != i), key=lambda j: float(distances[i, j]))
        assert found.indices[i].tolist() == others[:5]


def test_ties_are_keyed_and_counted_as_for_features() -> None:
    signs = torch.from_numpy(np.random.default_rng(1).choice([-1.0, 1.0], size=(60, 4)))
    of_features = nearest_neighbours(prepare(signs, COSINE), tie_key="b", k_max=9)
    kernel = prepare_matrix(signs @ signs.T, COSINE, are_distances=False)
    of_kernel = nearest_in_matrix(kernel, tie_key="b", k_max=9)
    assert (of_kernel.indices == of_features.indices).all()
    assert (of_kernel.tied_rows == of_features.tied_rows).all()
    assert of_kernel.tied_rows.any()


def test_excluded_items_are_nobodys_neighbours() -> None:
    rows = features(20)
    pairs = ExcludedPairs(20, np.array([0, 2]), np.array([1, 3]))
    kernel = prepare_matrix(rows @ rows.T, COSINE, are_distances=False)
    found = nearest_in_matrix(kernel, tie_key="c", k_max=18, excluded=pairs)
    of_features = nearest_neighbours(prepare(rows, COSINE), tie_key="c", k_max=18, excluded=pairs)
    assert (found.indices == of_features.indices).all()
    assert 1 not in found.indices[0].tolist()


def test_statistics_of_a_kernel_are_those_of_its_features() -> None:
    rows = features(40, 5)
    prepared = prepare(rows, COSINE)
    expected = layer_statistics(prepared, nearest_neighbours(prepared, tie_key="d", k_max=10))
    kernel = prepare_matrix(rows @ rows.T, COSINE, are_distances=False)
    found = matrix_statistics(kernel, nearest_in_matrix(kernel, tie_key="d", k_max=10), are_distances=False)
    assert (found.k, found.tied_rows, found.duplicate_rows) == (10, 0, 0)
    assert found.mean_cosine == pytest.approx(expected.mean_cosine, abs=1e-6)
    assert found.effective_rank == pytest.approx(expected.effective_rank, rel=1e-4)
    assert found.in_degree_skew == pytest.approx(expected.in_degree_skew)


def test_correlation_distances_have_the_mean_correlation() -> None:
    unit = torch.nn.functional.normalize(features(40, 5))
    distances = prepare_matrix(1 - unit @ unit.T, COSINE, are_distances=True)
    lists = nearest_in_matrix(distances, tie_key="e", k_max=10)
    found = matrix_statistics(distances, lists, are_distances=True)
    cosines = (unit @ unit.T)[~torch.eye(40, dtype=torch.bool)]
    assert found.mean_cosine == pytest.approx(float(cosines.mean()), abs=1e-6)
    prepared = prepare(unit, COSINE)
    expected = layer_statistics(prepared, nearest_neighbours(prepared, tie_key="e", k_max=10))
    assert found.effective_rank == pytest.approx(expected.effective_rank, rel=1e-4)


def test_a_constant_kernel_has_no_dimension() -> None:
    assert kernel_rank(torch.ones(9, 9)) == 0.0


def test_a_step_that_needs_features_is_refused_for_distances() -> None:
    with pytest.raises(ValueError, match="'centre' needs features, this has only distances"):
        prepare_matrix(torch.zeros(4, 4), CENTRED, are_distances=True)


@pytest.mark.parametrize("step", ["clip95", "clip95-all", "clip95-layer", "whiten:2"])
def test_a_step_that_needs_features_is_refused_for_a_kernel(step: str) -> None:
    with pytest.raises(ValueError, match=f"'{step}' needs features, this has only a kernel"):
        prepare_matrix(torch.eye(4), parse_recipe(f"centre,{step},inner"), are_distances=False)


def test_kernels_are_not_laid_side_by_side() -> None:
    with pytest.raises(ValueError, match="'concat:raw' needs features, this has only a kernel"):
        prepare_matrix(torch.eye(4), parse_recipe("concat:raw,cosine"), are_distances=False)


def test_the_duplicate_of_an_item_is_at_distance_zero() -> None:
    rows = features(20, 3)
    rows[7] = rows[4]
    found = prepare_matrix(rows @ rows.T, parse_recipe("euclidean"), are_distances=False)
    assert found[4, 7] == 0
    assert torch.allclose(-found, torch.cdist(rows, rows).square().float(), atol=1e-5)


@pytest.mark.parametrize(
    ("matrix", "sentence"),
    [
        (torch.zeros(3, 4), "square matrix"),
        (torch.full((3, 3), torch.nan), "NaN or infinity"),
        (-torch.eye(3), "negative similarity to itself"),
    ],
)
def test_what_is_no_kernel_is_refused(matrix: torch.Tensor, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        prepare_matrix(matrix, COSINE, are_distances=False)
