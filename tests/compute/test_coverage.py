from __future__ import annotations

import pytest

from compute.coverage import Coverage, coverage
from compute.runner import RunOptions, run_targets
from registry.handle import Registry
from tests.compute.synthetic import SyntheticZoo

ONE_PAIR = RunOptions(device="cpu", unit_layer_pairs=1)


def covered(registry: Registry) -> list[Coverage]:
    with registry.read() as session:
        return coverage(session)


@pytest.mark.parametrize(("pairs", "wanted"), [("all", 10), ("across", 6)])
def test_coverage_goes_from_nothing_to_all(sqlite_registry: Registry, pairs: str, wanted: int) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    for _ in range(5):
        zoo.add()
    name = zoo.add_target(pairs=pairs)
    assert covered(sqlite_registry) == [Coverage(name, wanted, 0, 0)]
    run_targets(sqlite_registry, options=ONE_PAIR)
    assert covered(sqlite_registry) == [Coverage(name, wanted, wanted, wanted)]


def test_retired_checkpoints_are_not_wanted_and_restored_ones_are_not_fresh(
    sqlite_registry: Registry,
) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    for _ in range(4):
        zoo.add()
    name = zoo.add_target()
    run_targets(sqlite_registry, options=ONE_PAIR)
    zoo.retire(1)
    assert covered(sqlite_registry) == [Coverage(name, 3, 3, 3)]
    zoo.restore(1)
    assert covered(sqlite_registry) == [Coverage(name, 6, 3, 3)]


def test_scores_without_nulls_are_covered_but_not_calibrated(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    for _ in range(3):
        zoo.add()
    name = zoo.add_target()
    run_targets(sqlite_registry, options=RunOptions(device="cpu", null=False))
    assert covered(sqlite_registry) == [Coverage(name, 3, 3, 0)]


def test_nothing_is_wanted_without_embeddings(sqlite_registry: Registry) -> None:
    name = SyntheticZoo(sqlite_registry).add_target()
    assert covered(sqlite_registry) == [Coverage(name, 0, 0, 0)]
