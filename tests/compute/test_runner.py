from __future__ import annotations

import itertools

import numpy as np
import pytest
from sqlalchemy import func, select

from compute.plan import make_plan
from compute.runner import RunOptions, run_targets
from registry.errors import Interrupted, NotFoundError
from registry.handle import Registry
from registry.layers import read_layers
from registry.tables import Alignment, Embedding, Failure, Run, Slot
from tests.compute.states import grid, scores
from tests.compute.synthetic import SyntheticZoo

SMALL = RunOptions(device="cpu", unit_layer_pairs=9)


@pytest.fixture
def zoo(sqlite_registry: Registry) -> SyntheticZoo:
    zoo = SyntheticZoo(sqlite_registry)
    for layers in (2, 3, 1, 2):
        zoo.add(layers)
    zoo.add_target()
    return zoo


def twin_score(zoo: SyntheticZoo, left: int, right: int, k: int) -> float:
    """The definition on the stored features: float64 cosines, sets, best of all layer pairs."""
    lists = []
    with zoo.registry.read() as session:
        for embedding_id in (left, right):
            row = session.get_one(Embedding, embedding_id)
            layers = read_layers(zoo.registry.store, row.uri, row.sha256, row.layer_names)
            near = []
            for layer in layers:
                unit = layer / np.linalg.norm(layer, axis=1, keepdims=True)
                similarity = unit @ unit.T
                np.fill_diagonal(similarity, -np.inf)
                near.append([set(row.tolist()) for row in np.argsort(-similarity, axis=1)[:, :k]])
            lists.append(near)
    return max(
        sum(len(a & b) for a, b in zip(one, other, strict=True)) / (zoo.n * k)
        for one, other in itertools.product(*lists)
    )


def test_every_pair_has_the_score_of_the_definition(registry: Registry) -> None:
    zoo = SyntheticZoo(registry)
    for layers in (2, 3, 1):
        zoo.add(layers)
    zoo.add_target()
    summary = run_targets(registry, options=SMALL)
    assert (summary.pairs, summary.layer_pairs, summary.failed) == (3, 11, 0)
    with registry.read() as session:
        rows = session.scalars(select(Alignment)).all()
        embedding = {slot.slot: slot.embedding_id for slot in session.scalars(select(Slot))}
    for row in rows:
        expected = twin_score(zoo, embedding[row.column_slot], embedding[row.row_slot], 5)
        assert row.score == pytest.approx(expected, abs=1e-12)


def test_a_second_run_finds_nothing_to_do(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=SMALL)
    before = scores(zoo.registry)
    summary = run_targets(zoo.registry, options=SMALL)
    assert summary.run_id is None
    assert make_plan(zoo.registry)[0].is_empty()
    assert scores(zoo.registry) == before


def test_one_more_checkpoint_costs_one_row(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=SMALL)
    zoo.add(2)
    assert make_plan(zoo.registry)[0].pairs == 4
    assert run_targets(zoo.registry, options=SMALL).pairs == 4


def test_retiring_costs_nothing_and_restoring_a_row(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=SMALL)
    before = scores(zoo.registry)
    zoo.retire(1)
    assert run_targets(zoo.registry, options=SMALL).pairs == 0
    assert len(scores(zoo.registry)) == 3
    zoo.restore(1)
    assert run_targets(zoo.registry, options=SMALL).pairs == 3
    again = {frozenset(pair): row[0] for pair, row in scores(zoo.registry).items()}
    assert again == {frozenset(pair): row[0] for pair, row in before.items()}


def test_the_size_of_units_changes_no_number(zoo: SyntheticZoo, postgres_registry: Registry) -> None:
    other = SyntheticZoo(postgres_registry)
    for layers in (2, 3, 1, 2):
        other.add(layers)
    other.add_target()
    run_targets(zoo.registry, options=SMALL)
    run_targets(postgres_registry, options=RunOptions(device="cpu"))
    assert scores(zoo.registry) == scores(postgres_registry)
    assert grid(zoo.registry) == grid(postgres_registry)


def test_across_takes_only_pairs_of_two_modalities(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    for _ in range(5):
        zoo.add()
    zoo.add_target(pairs="across")
    assert run_targets(sqlite_registry, options=SMALL).pairs == 6
    assert make_plan(sqlite_registry)[0].is_empty()


def test_last_compares_the_last_layers_only(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    zoo.add(3)
    zoo.add(2)
    zoo.add_target(reducer="last")
    run_targets(sqlite_registry, options=SMALL)
    (row,) = scores(sqlite_registry).values()
    assert row[1:3] == (2, 1)


def test_a_damaged_file_loses_its_own_pairs_only(zoo: SyntheticZoo) -> None:
    with zoo.registry.read() as session:
        bad = session.get_one(Embedding, zoo.embedding_ids[1])
    zoo.registry.store.path(bad.uri).write_bytes(b"not what it was")
    summary = run_targets(zoo.registry, options=SMALL)
    assert (summary.pairs, summary.failed) == (3, 1)
    assert "was changed or damaged" in summary.warnings[0]
    with zoo.registry.read() as session:
        assert session.get_one(Embedding, bad.id).status == "corrupt"
        assert session.scalar(select(Failure.stage)) == "neighbours"
        assert session.scalar(select(Run.status).order_by(Run.id.desc()).limit(1)) == "partly done"
    assert run_targets(zoo.registry, options=SMALL).run_id is None


def test_a_signal_stops_after_a_committed_unit_and_the_next_run_resumes(zoo: SyntheticZoo) -> None:
    calls = itertools.count()
    options = RunOptions(device="cpu", unit_layer_pairs=1, stop=lambda: 130 if next(calls) > 6 else None)
    with pytest.raises(Interrupted) as caught:
        run_targets(zoo.registry, options=options)
    assert caught.value.exit_code == 130
    done = len(scores(zoo.registry))
    assert 0 < done < 6
    plan = make_plan(zoo.registry)[0]
    assert plan.pairs == 6 - done
    assert run_targets(zoo.registry, options=SMALL).pairs == 6 - done
    with zoo.registry.read() as session:
        statuses = session.scalars(select(Run.status).order_by(Run.id)).all()
    assert statuses == ["interrupted", "done"]


def test_a_budget_of_nothing_begins_no_unit(zoo: SyntheticZoo) -> None:
    summary = run_targets(zoo.registry, options=RunOptions(device="cpu", budget=0.0))
    assert summary.out_of_budget
    assert not scores(zoo.registry)


def test_the_grid_holds_every_layer_pair_of_every_pair(zoo: SyntheticZoo) -> None:
    run_targets(zoo.registry, options=SMALL)
    rows = grid(zoo.registry)
    with zoo.registry.read() as session:
        pairs = session.scalars(select(Alignment)).all()
        assert len(rows) == session.scalar(select(func.sum(Alignment.layer_pairs)))
    for pair in pairs:
        mine = [row for row in rows if row[1:3] == (pair.row_slot, pair.column_slot)]
        best = max(row[5] for row in mine)
        assert pair.score == best / (zoo.n * 5)
        assert (pair.row_layer, pair.column_layer) == min(row[3:5] for row in mine if row[5] == best)


def test_an_embedding_against_itself_scores_one(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    layers = zoo.layers(2)
    zoo.add(layers=layers)
    zoo.add(layers=layers)
    zoo.add_target()
    run_targets(sqlite_registry, options=SMALL)
    assert [row[0] for row in scores(sqlite_registry).values()] == [1.0]


def test_a_tie_in_many_rows_is_reported(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    zoo.add(layers=[zoo.random.choice([-1.0, 1.0], size=(40, 4))])
    zoo.add(2)
    zoo.add_target()
    warnings = run_targets(sqlite_registry, options=SMALL).warnings
    assert len(warnings) == 1
    assert "a tie decides who is neighbour 5" in warnings[0]


def test_an_unknown_target_is_named(zoo: SyntheticZoo) -> None:
    with pytest.raises(NotFoundError, match="no target 'made-up/mutual-knn-k6'") as caught:
        run_targets(zoo.registry, ["made-up/mutual-knn-k6"])
    assert "made-up/mutual-knn-k5" in caught.value.hint
