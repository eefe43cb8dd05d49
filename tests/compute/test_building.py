"""Layer statistics are recorded with the lists, once, and later where an older version built the lists."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import skew
from sqlalchemy import delete, select, update

from compute.lists import ATTEMPTS, load_lists
from compute.runner import RunOptions, run_targets
from registry.handle import Registry
from registry.tables import Embedding, Failure, LayerStat, Neighbours
from tests.compute.synthetic import SyntheticZoo

OPTIONS = RunOptions(device="cpu", unit_layer_pairs=9)


def statistics(registry: Registry) -> dict[tuple[int, str, int], tuple[float | None, ...]]:
    with registry.read() as session:
        return {
            (row.embedding_id, row.recipe, row.layer): (
                row.k,
                row.tied_rows,
                row.duplicate_rows,
                row.mean_cosine,
                row.effective_rank,
                row.in_degree_skew,
            )
            for row in session.scalars(select(LayerStat))
        }


def lists_of(registry: Registry) -> dict[tuple[int, str], str]:
    with registry.read() as session:
        return {(row.embedding_id, row.recipe): row.uri for row in session.scalars(select(Neighbours))}


@pytest.fixture
def zoo(sqlite_registry: Registry) -> SyntheticZoo:
    zoo = SyntheticZoo(sqlite_registry)
    zoo.add(2)
    zoo.add(layers=[zoo.random.choice([-1.0, 1.0], size=(40, 4))])
    zoo.add_target()
    return zoo


def test_every_layer_gets_its_statistics(registry: Registry) -> None:
    zoo = SyntheticZoo(registry)
    embedding_ids = [zoo.add(2), zoo.add(3)]
    zoo.add_target()
    run_targets(registry, options=OPTIONS)
    found = statistics(registry)
    assert sorted(found) == [
        (embedding_id, "cosine", layer)
        for embedding_id, count in zip(embedding_ids, (2, 3), strict=True)
        for layer in range(count)
    ]
    with registry.read() as session:
        row = session.scalars(select(Neighbours).where(Neighbours.embedding_id == embedding_ids[1])).one()
    indices, tied = load_lists(registry.store, row)
    for layer in range(3):
        degrees = np.bincount(indices[layer, :, :10].ravel(), minlength=40)
        k, tied_rows, duplicates, *_, skewness = found[embedding_ids[1], "cosine", layer]
        assert (k, tied_rows, duplicates) == (10, tied[layer, 9], 0)
        assert skewness == pytest.approx(skew(degrees))


def test_two_targets_of_one_recipe_share_the_statistics(zoo: SyntheticZoo) -> None:
    zoo.add_target(k=4)
    zoo.add_target(recipe="centre,cosine")
    run_targets(zoo.registry, options=OPTIONS)
    assert {recipe for _, recipe, _ in statistics(zoo.registry)} == {"cosine", "centre,cosine"}
    assert len(statistics(zoo.registry)) == 6


def test_lists_of_an_older_version_get_statistics_and_are_not_built_again(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=OPTIONS)
    before, lists = statistics(zoo.registry), lists_of(zoo.registry)
    with zoo.registry.write() as session:
        session.execute(delete(LayerStat))
    added = zoo.add(1)
    summary = run_targets(zoo.registry, options=OPTIONS)
    assert summary.lists_built == 1
    after = statistics(zoo.registry)
    assert {key: row for key, row in after.items() if key[0] != added} == before
    assert {key: uri for key, uri in lists_of(zoo.registry).items() if key[0] != added} == lists


def test_statistics_of_an_older_version_are_replaced(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=OPTIONS)
    before = statistics(zoo.registry)
    with zoo.registry.write() as session:
        session.execute(update(LayerStat).values(code_version=0, mean_cosine=9.0))
    added = zoo.add(1)
    run_targets(zoo.registry, options=OPTIONS)
    assert {key: row for key, row in statistics(zoo.registry).items() if key[0] != added} == before


def test_features_that_are_gone_cost_the_statistics_and_not_the_scores(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=OPTIONS)
    with zoo.registry.write() as session:
        session.execute(delete(LayerStat))
        gone = session.get_one(Embedding, zoo.embedding_ids[0])
    zoo.registry.store.path(gone.uri).unlink()
    for _ in range(ATTEMPTS):
        zoo.add(1)
        assert run_targets(zoo.registry, options=OPTIONS).failed == 1
    with zoo.registry.read() as session:
        (failure,) = session.scalars(select(Failure)).all()
        assert (failure.stage, failure.attempts) == ("layer statistics", ATTEMPTS)
        assert session.get_one(Embedding, gone.id).status == "ready"
    zoo.add(1)
    summary = run_targets(zoo.registry, options=OPTIONS)
    assert (summary.failed, summary.pairs) == (0, 2 + ATTEMPTS)
    assert not [key for key in statistics(zoo.registry) if key[0] == gone.id]
