"""The null on the real tables: what it costs, what it promises, and what it leaves alone."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import func, select, update

from compute.commit import existing_pairs
from compute.engine import missing_block
from compute.nullcommit import commit_null
from compute.plan import make_plan
from compute.runner import RunOptions, run_targets
from compute.slots import slot_table
from compute.targets import NullRule, TargetRule, add_target
from compute.units import units
from registry.errors import ConflictError, UsageError
from registry.handle import Registry
from registry.tables import Alignment, Slot, Target
from tests.compute.states import grid, nulls, scores, watermarks
from tests.compute.synthetic import SyntheticZoo
from tests.compute.test_kill import start

SMALL = RunOptions(device="cpu", unit_layer_pairs=9)


def zoo_of(registry: Registry, count: int, draws: int = 19, **rule: object) -> SyntheticZoo:
    zoo = SyntheticZoo(registry)
    for number in range(count):
        zoo.add(1 + number % 3)
    zoo.add_target(draws=draws, **rule)
    return zoo


def test_every_pair_is_calibrated_and_a_second_run_has_nothing_to_do(registry: Registry) -> None:
    zoo = zoo_of(registry, 5)
    summary = run_targets(registry, options=SMALL)
    assert (summary.pairs, summary.calibrated, summary.failed) == (10, 10, 0)
    found = nulls(registry)
    assert len(found) == 10
    for se, crossfit, mean, sd, tau, p, calibrated, draws in found.values():
        assert draws == 19
        assert se > 0 and 0 <= crossfit <= 1
        assert 5 / 39 <= mean < 0.5 and sd > 0 and tau >= mean  # a maximum is above k / (n - 1)
        assert p * 20 == pytest.approx(round(p * 20)) and 1 <= round(p * 20) <= 20
        assert calibrated >= 0
    assert run_targets(registry, options=SMALL).run_id is None
    assert nulls(zoo.registry) == found


def test_a_related_pair_is_found_and_an_unrelated_one_is_not(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry)
    zoo.add(2)
    zoo.add(2)
    zoo.add(layers=[zoo.random.normal(size=(zoo.n, 8))])
    zoo.add_target(draws=99)
    run_targets(sqlite_registry, options=SMALL)
    with sqlite_registry.read() as session:
        p = {(row.column_slot, row.row_slot): row.p for row in session.scalars(select(Alignment))}
    assert p[0, 1] == 1 / 100
    assert min(p[0, 2], p[1, 2]) > 0.05


def test_one_more_checkpoint_changes_no_other_null(sqlite_registry: Registry) -> None:
    zoo = zoo_of(sqlite_registry, 4)
    run_targets(sqlite_registry, options=SMALL)
    before = nulls(sqlite_registry)
    zoo.add(2)
    summary = run_targets(sqlite_registry, options=SMALL)
    assert summary.calibrated == 4
    after = nulls(sqlite_registry)
    assert {pair: after[pair] for pair in before} == before
    assert len(after) == 10


def test_the_order_of_arrival_and_the_size_of_units_change_no_null(
    sqlite_registry: Registry, postgres_registry: Registry
) -> None:
    one = zoo_of(sqlite_registry, 5)
    run_targets(sqlite_registry, options=SMALL)
    other = SyntheticZoo(postgres_registry)
    other.add_target()
    for number in range(5):  # one at a time, so that every block has another shape
        other.add(1 + number % 3)
        run_targets(postgres_registry, options=RunOptions(device="cpu"))
    assert nulls(one.registry) == nulls(other.registry)


@pytest.mark.parametrize("rule", [{}, {"pairs": "across"}, {"reducer": "last"}])
def test_raised_draws_give_what_a_fresh_run_with_as_many_gives(
    sqlite_registry: Registry, postgres_registry: Registry, rule: dict[str, object]
) -> None:
    zoo = zoo_of(sqlite_registry, 5, draws=20, **rule)
    run_targets(sqlite_registry, options=SMALL)
    before, parts, few = scores(sqlite_registry), grid(sqlite_registry), nulls(sqlite_registry)
    done = add_target(
        sqlite_registry, "made-up", list(zoo.extraction_ids.values()),
        TargetRule(**{"k": 5, "null": NullRule(draws=50), **rule}),  # type: ignore[arg-type]
    )  # fmt: skip
    assert done.outcome == "draws raised"
    plan = make_plan(sqlite_registry)[0]
    assert (plan.pairs, plan.null_pairs) == (0, len(before))
    summary = run_targets(sqlite_registry, options=SMALL)
    assert (summary.pairs, summary.layer_pairs, summary.calibrated) == (0, 0, len(before))
    assert scores(sqlite_registry) == before
    assert grid(sqlite_registry) == parts
    zoo_of(postgres_registry, 5, draws=50, **rule)
    run_targets(postgres_registry, options=SMALL)
    assert nulls(sqlite_registry) == nulls(postgres_registry)
    assert nulls(sqlite_registry) != few


def test_draws_are_never_lowered(sqlite_registry: Registry) -> None:
    zoo = zoo_of(sqlite_registry, 3, draws=50)
    run_targets(sqlite_registry, options=SMALL)
    rule = TargetRule(k=5, null=NullRule(draws=20))
    done = add_target(sqlite_registry, "made-up", list(zoo.extraction_ids.values()), rule)
    assert done.outcome == "unchanged"
    assert make_plan(sqlite_registry)[0].is_empty()


@pytest.mark.parametrize("draws", [0, 18, -1])
def test_too_few_draws_are_refused(sqlite_registry: Registry, draws: int) -> None:
    with pytest.raises(UsageError, match=rf"{draws} draws, expected at least 19"):
        SyntheticZoo(sqlite_registry).add_target(draws=draws)


def test_other_seeds_levels_and_schemes_are_other_targets(sqlite_registry: Registry) -> None:
    zoo = zoo_of(sqlite_registry, 2)
    ids = list(zoo.extraction_ids.values())
    for null in (NullRule(seed=1), NullRule(alpha=0.01)):
        done = add_target(sqlite_registry, "made-up", ids, TargetRule(k=5, null=null))
        assert done.outcome == "added"


def test_without_nulls_a_run_only_scores_and_the_next_calibrates(sqlite_registry: Registry) -> None:
    zoo_of(sqlite_registry, 4)
    summary = run_targets(sqlite_registry, options=RunOptions(device="cpu", null=False))
    assert (summary.pairs, summary.calibrated) == (6, 0)
    assert {row[-1] for row in nulls(sqlite_registry).values()} == {None}
    assert run_targets(sqlite_registry, options=RunOptions(device="cpu", null=False)).run_id is None
    summary = run_targets(sqlite_registry, options=SMALL)
    assert (summary.pairs, summary.calibrated) == (0, 6)


def test_pairs_of_an_older_registry_get_their_interval_and_keep_the_rest(sqlite_registry: Registry) -> None:
    zoo_of(sqlite_registry, 4)
    run_targets(sqlite_registry, options=SMALL)
    before, parts, complete = scores(sqlite_registry), grid(sqlite_registry), nulls(sqlite_registry)
    with sqlite_registry.write() as session:  # as migration 0006 leaves what was there
        session.execute(update(Slot).values(done_through=0, null_through=0))
        none = dict.fromkeys(
            ("score_se", "score_crossfit", "null_mean", "null_sd", "tau", "p", "calibrated", "draws")
        )
        session.execute(update(Alignment).values(none))
    summary = run_targets(sqlite_registry, options=SMALL)
    assert (summary.pairs, summary.layer_pairs, summary.calibrated) == (0, 0, 6)
    assert (scores(sqlite_registry), grid(sqlite_registry), nulls(sqlite_registry)) == (
        before,
        parts,
        complete,
    )


def test_a_null_of_too_few_draws_is_not_promised(registry: Registry) -> None:
    """Somebody raises the draws while a run draws: the unit writes nothing and moves no watermark."""
    zoo = zoo_of(registry, 3)
    run_targets(registry, options=RunOptions(device="cpu", null=False))
    with registry.read() as session:
        target = session.scalars(select(Target)).one()
        slots = slot_table(session, target, []).for_nulls()
        unit = next(iter(units(slots, "all", 1000)))
        known = existing_pairs(session, target.id, unit)
    assert missing_block(slots, unit, "all", set(), known.written) is not None
    rule = TargetRule(k=5, null=NullRule(draws=30))
    add_target(registry, "made-up", list(zoo.extraction_ids.values()), rule)
    with pytest.raises(ConflictError, match="raised from 19 to 30"), registry.write() as session:
        commit_null(session, target, unit, None, None, 1)
    with registry.read() as session:
        assert session.scalar(select(func.sum(Slot.null_through))) == 0


def calibrated_count(registry: Registry) -> int:
    with registry.read() as session:
        return session.scalar(select(func.count()).where(Alignment.p.is_not(None))) or 0


@pytest.mark.slow
def test_nulls_of_killed_runs_are_those_of_one_that_was_not(
    sqlite_registry: Registry, postgres_registry: Registry
) -> None:
    zoo_of(sqlite_registry, 24)
    zoo_of(postgres_registry, 24)
    run_targets(postgres_registry, options=RunOptions(device="cpu", unit_layer_pairs=10))
    moments, total, kills = random.Random(1), 24 * 23 // 2, 0
    while kills < 4:
        before = calibrated_count(sqlite_registry)
        process = start(sqlite_registry)
        deadline = time.monotonic() + 120
        while calibrated_count(sqlite_registry) <= before:
            assert process.poll() is None, process.communicate()[1]
            assert time.monotonic() < deadline
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.02))
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert before < calibrated_count(sqlite_registry) < total, "make the zoo larger"
        kills += 1
    run_targets(sqlite_registry, options=RunOptions(device="cpu", unit_layer_pairs=10))
    assert nulls(sqlite_registry) == nulls(postgres_registry)
    assert scores(sqlite_registry) == scores(postgres_registry)
    assert watermarks(sqlite_registry) == watermarks(postgres_registry)


def test_within_a_covariate_the_null_keeps_what_the_classes_share(
    sqlite_registry: Registry, tmp_path: Path
) -> None:
    """Two embeddings that agree on nothing but the class are significant among all items, not within it."""
    from tests.compute import synthetic

    zoo = SyntheticZoo(sqlite_registry, n=60)
    labels = ["x"] * 30 + ["y"] * 30
    synthetic.give_covariates(sqlite_registry, zoo.dataset_id, {"kind": labels})
    class_signal = np.repeat([[3.0, 0.0], [0.0, 3.0]], 30, axis=0)
    for _ in range(2):
        zoo.add(layers=[np.hstack([class_signal, zoo.random.normal(size=(60, 8))])])
    zoo.add_target(draws=99)
    zoo.add_target(draws=99, scheme="within:kind")
    run_targets(sqlite_registry, options=SMALL)
    with sqlite_registry.read() as session:
        free, within = session.scalars(select(Alignment.p).order_by(Alignment.target_id)).all()
        means = session.scalars(select(Alignment.null_mean).order_by(Alignment.target_id)).all()
    assert free == 1 / 100
    assert within > 0.05
    assert means[1] > 1.5 * means[0]


def test_a_scheme_that_moves_too_little_is_refused_before_there_is_a_target(
    sqlite_registry: Registry,
) -> None:
    from tests.compute import synthetic

    zoo = SyntheticZoo(sqlite_registry)
    synthetic.give_covariates(sqlite_registry, zoo.dataset_id, {"own": [f"{i}" for i in range(zoo.n)]})
    with pytest.raises(UsageError, match="could not move"):
        zoo.add_target(scheme="within:own")
    assert make_plan(sqlite_registry) == []
