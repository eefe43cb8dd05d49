from __future__ import annotations

import pytest
from sqlalchemy import select, update

from compute.plan import make_plan
from compute.runner import RunOptions, run_targets
from registry.handle import Registry
from registry.tables import Run, Slot
from tests.compute.synthetic import SyntheticZoo


@pytest.fixture
def zoo(registry: Registry) -> SyntheticZoo:
    zoo = SyntheticZoo(registry)
    for layers in (2, 3, 1):
        zoo.add(layers)
    zoo.add_target()
    return zoo


def test_a_plan_writes_nothing_and_says_why(zoo: SyntheticZoo) -> None:
    plan = make_plan(zoo.registry)[0]
    assert (plan.new_embeddings, plan.lists_to_build, plan.new_pairs, plan.unfinished_pairs) == (3, 3, 3, 0)
    assert plan.layer_pairs == 2 * 3 + 2 * 1 + 3 * 1
    assert plan.estimated_seconds is None
    with zoo.registry.read() as session:
        assert session.scalars(select(Slot)).all() == []
        assert session.scalars(select(Run)).all() == []


def test_rows_left_half_done_are_told_from_new_ones(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=RunOptions(device="cpu"))
    with zoo.registry.write() as session:
        session.execute(update(Slot).where(Slot.slot == 2).values(done_through=1, null_through=1))
    zoo.add(1)
    plan = make_plan(zoo.registry)[0]
    assert (plan.new_pairs, plan.unfinished_pairs) == (3, 1)
    assert (plan.null_pairs, plan.null_layer_pairs) == (4, plan.layer_pairs * plan.draws)


def test_the_rate_of_an_earlier_run_gives_the_estimate(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=RunOptions(device="cpu"))
    zoo.add(4)
    seconds = make_plan(zoo.registry)[0].estimated_seconds
    with zoo.registry.read() as session:
        rate = session.scalars(select(Run)).one().counts["entries_per_second"]
    assert seconds == pytest.approx(4 * 6 * zoo.n * 5 / rate)


def test_an_empty_target_is_empty(sqlite_registry: Registry) -> None:
    SyntheticZoo(sqlite_registry).add_target()
    assert make_plan(sqlite_registry)[0].is_empty()
