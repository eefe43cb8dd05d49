"""The labelled square matrix of a target."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.matrix import Pair, alignment_matrix, gives_one_for_itself, square
from analysis.snapshot import build_snapshot
from registry.errors import NotFoundError
from registry.handle import Registry
from tests.analysis.tiny import ITEMS, K, TinyZoo, planted_counts


def test_a_matrix_is_symmetric_with_ones_on_its_diagonal_and_the_planted_scores(
    sqlite_registry: Registry,
) -> None:
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b", "c", "d")
    zoo.retire("b")
    build_snapshot(sqlite_registry)
    matrix = alignment_matrix(sqlite_registry, zoo.target_id)
    assert matrix.names == ("a", "c", "d")
    np.testing.assert_array_equal(matrix.values, matrix.values.T)
    np.testing.assert_array_equal(np.diag(matrix.values), 1.0)
    assert matrix.of("d", "a") == matrix.of("a", "d") == max(planted_counts(3, 0).values()) / (ITEMS * K)
    assert (matrix.snapshot, matrix.is_stale) == (1, False)


def test_what_is_not_computed_is_nan(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry, pairs="across")
    zoo.add("a", "b")
    zoo.add("x", modality="language")
    build_snapshot(sqlite_registry)
    matrix = alignment_matrix(sqlite_registry, zoo.target_id)
    assert np.isnan(matrix.of("a", "b"))
    assert not np.isnan(matrix.of("a", "x"))


def test_a_directed_score_stays_on_its_side() -> None:
    names, values = square([Pair(7, "a", 3, "b", 0.25)], is_symmetric=False, diagonal=None)
    assert names == ("b", "a")
    np.testing.assert_array_equal(values, [[np.nan, np.nan], [0.25, np.nan]])


@pytest.mark.parametrize(
    ("metric", "is_symmetric", "expected"),
    [
        ("mutual_knn", True, True),
        ("cknna", True, True),
        ("cka_prh", True, False),
        ("lcs_knn_prh", True, False),
        ("cycle_knn", False, False),
    ],
)
def test_only_a_corrected_symmetric_metric_gives_one_for_itself(
    metric: str, is_symmetric: bool, expected: bool
) -> None:
    assert gives_one_for_itself(metric, is_symmetric=is_symmetric) is expected


def test_two_embeddings_of_one_name_are_told_apart() -> None:
    names, _ = square(
        [Pair(1, "clip", 2, "clip", 0.5), Pair(1, "clip", 3, "mae", 0.5)], is_symmetric=True, diagonal=1
    )
    assert names == ("clip (embedding 1)", "clip (embedding 2)", "mae")


def test_a_target_that_the_snapshot_does_not_have_is_refused(sqlite_registry: Registry) -> None:
    build_snapshot(sqlite_registry)
    with pytest.raises(NotFoundError, match="snapshot 1 has no target 5"):
        alignment_matrix(sqlite_registry, 5)
