from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import select

from compute.comparing import compare_alignments
from compute.runner import RunOptions, run_targets
from registry.errors import NotFoundError
from registry.handle import Registry
from registry.lookup import find_target
from registry.tables import Alignment
from tests.compute.synthetic import SyntheticZoo


@pytest.fixture
def zoo(sqlite_registry: Registry) -> SyntheticZoo:
    """c0 and c1 share a signal, c2 has more noise, c3 none of it."""
    zoo = SyntheticZoo(sqlite_registry, n=200)
    for noise in (0.3, 0.3, 2.0):
        zoo.add(layers=[zoo.signal + noise * zoo.random.normal(size=zoo.signal.shape) for _ in range(2)])
    zoo.add(layers=[zoo.random.normal(size=(zoo.n, 8))])
    zoo.add_target()
    run_targets(sqlite_registry, options=RunOptions(device="cpu"))
    return zoo


def compared(zoo: SyntheticZoo, partner: int, first: int, second: int) -> object:
    with zoo.registry.read() as session:
        target = find_target(session, "made-up/mutual-knn-k5")
    ids = zoo.checkpoint_ids
    return compare_alignments(
        zoo.registry, target, partner_id=ids[partner], first_id=ids[first], second_id=ids[second]
    )


def test_the_difference_is_that_of_the_stored_scores(zoo: SyntheticZoo) -> None:
    found = compared(zoo, 0, 1, 2)
    with zoo.registry.read() as session:
        score = {(row.column_slot, row.row_slot): row.score for row in session.scalars(select(Alignment))}
    assert found.first_score == pytest.approx(score[0, 1], abs=1e-12)
    assert found.second_score == pytest.approx(score[0, 2], abs=1e-12)
    assert found.difference == pytest.approx(score[0, 1] - score[0, 2], abs=1e-12)
    assert found.difference > 5 * found.se > 0
    assert found.p < 1e-6
    assert found.ci_low < found.difference < found.ci_high


def test_the_other_way_round_it_has_the_other_sign(zoo: SyntheticZoo) -> None:
    one, other = compared(zoo, 2, 0, 1), compared(zoo, 2, 1, 0)
    assert one.difference == pytest.approx(-other.difference)
    assert (one.se, one.p) == pytest.approx((other.se, other.p))
    assert abs(one.difference) < 4 * one.se  # two copies of one kind


def test_a_pair_that_is_not_computed_is_named(zoo: SyntheticZoo) -> None:
    zoo.add(layers=[np.eye(200, 8) + 1])
    with pytest.raises(NotFoundError, match=r"c4 has no place in made-up/mutual-knn-k5"):
        compared(zoo, 0, 1, 4)
