"""A battery runs on an embedding once, and every score says what it is a score of."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from ingest.batteries import define_battery, load_battery
from ingest.battery_runs import plan_battery, run_battery
from ingest.checkpoints import add_checkpoint
from ingest.extraction import default_rule
from ingest.probes import probe, shuffles
from ingest.recording import record_embedding
from registry.errors import NotFoundError, StoreError, UsageError
from registry.handle import Registry
from registry.tables import Embedding, Run, Score, Source
from tests.ingest.covariates import add_judged, add_reader, layers

TASKS = ("kind", "sort:4")


def prepare(registry: Registry, *, signal: float = 1.0) -> int:
    """Define the battery `five` and return a checkpoint that has an embedding."""
    dataset_id = add_judged(registry)
    define_battery(registry, "five", dataset_id, TASKS, stratify="sort")
    return add_reader(registry, dataset_id, "baseline:tf-idf", "words", signal=signal)


def scores(registry: Registry) -> list[Score]:
    with registry.read() as session:
        return list(session.scalars(select(Score).order_by(Score.id)))


def test_a_run_records_a_score_for_each_task(registry: Registry) -> None:
    checkpoint_id = prepare(registry)
    done = run_battery(registry, "five", checkpoint_id)
    assert (done.outcome, len(done.scores)) == ("added", 5)
    rows = scores(registry)
    with registry.read() as session:
        (run,) = session.scalars(select(Run)).all()
        embedding = session.get_one(Embedding, done.embedding_id)
        source = session.get_one(Source, rows[0].source_id)
    assert (run.kind, run.status, run.counts) == ("score linear-probe", "done", {"scores": 5})
    assert {(row.checkpoint_id, row.item_count, row.split, row.run_id) for row in rows} == {
        (checkpoint_id, 60, "test", run.id)
    }
    assert {row.protocol for row in rows} == {"ridge classifier, alpha 1, on the standardised last layer"}
    assert (source.name, source.trust) == ("own evaluation", "high")
    details = rows[0].details
    assert (details["layer"], details["embedding"], details["alpha"]) == ("last", embedding.content_key, 1.0)
    assert set(details["libraries"]) == {"numpy", "scikit-learn", "scipy"}
    assert (details["train_count"], details["shuffles"], details["width"]) == (60, 20, 12)
    assert details["chance_sd"] > 0


def test_the_scores_are_those_of_the_probe_on_the_last_layer(sqlite_registry: Registry) -> None:
    checkpoint_id = prepare(sqlite_registry)
    done = run_battery(sqlite_registry, "five", checkpoint_id)
    loaded = load_battery(sqlite_registry, "five")
    expected = probe(layers(signal=1.0, seed=1)["last"], loaded.is_train, loaded.labels, shuffles(60, seed=0))
    assert [(score.value, score.stderr, score.chance) for score in done.scores] == [
        (one.accuracy, one.stderr, one.chance) for one in expected
    ]
    assert [score.task for score in done.scores] == [task.name for task in loaded.tasks]
    assert [row.value for row in scores(sqlite_registry)] == [one.accuracy for one in expected]


def test_a_second_run_adds_nothing(registry: Registry) -> None:
    checkpoint_id = prepare(registry)
    first = run_battery(registry, "five", checkpoint_id)
    again = run_battery(registry, load_battery(registry, "five"), checkpoint_id)
    assert again.outcome == "unchanged"
    assert again.scores == first.scores
    with registry.read() as session:
        assert len(session.scalars(select(Run)).all()) == 1
    assert len(scores(registry)) == 5


def test_a_run_fills_in_the_task_that_is_missing(sqlite_registry: Registry) -> None:
    checkpoint_id = prepare(sqlite_registry)
    first = run_battery(sqlite_registry, "five", checkpoint_id)
    with sqlite_registry.write() as session:
        session.delete(session.get_one(Score, 3))
    again = run_battery(sqlite_registry, "five", checkpoint_id)
    assert (again.outcome, again.scores) == ("added", first.scores)
    assert len(scores(sqlite_registry)) == 5


def test_a_signal_is_read_far_above_chance(sqlite_registry: Registry) -> None:
    told = run_battery(sqlite_registry, "five", prepare(sqlite_registry, signal=3.0)).scores[0]
    assert told.value > 0.95
    assert told.chance is not None
    assert abs(told.chance - 1 / 3) < 0.1


def test_another_embedding_is_another_claim(sqlite_registry: Registry) -> None:
    checkpoint_id = prepare(sqlite_registry)
    run_battery(sqlite_registry, "five", checkpoint_id)
    dataset_id = load_battery(sqlite_registry, "five").dataset.id
    record_embedding(sqlite_registry, checkpoint_id, dataset_id, layers(signal=0.0, seed=2), replace=True)
    blind = run_battery(sqlite_registry, "five", checkpoint_id)
    assert blind.outcome == "added"
    assert blind.scores[0].value < 0.55
    assert len(scores(sqlite_registry)) == 10


def test_a_checkpoint_without_embedding_is_told_how_to_get_one(sqlite_registry: Registry) -> None:
    prepare(sqlite_registry)
    pixels = add_checkpoint(sqlite_registry, "baseline:pixels", name="pixels").checkpoint_id
    with pytest.raises(NotFoundError) as caught:
        run_battery(sqlite_registry, "five", pixels)
    assert caught.value.message == "pixels has no embedding on judged"
    assert caught.value.hint == "make one: cavewall embed extract pixels --dataset judged"
    plan = plan_battery(sqlite_registry, load_battery(sqlite_registry, "five"), pixels)
    assert (plan.embedding, plan.scores, plan.name) == (None, [], "pixels")


def test_of_several_rules_one_must_be_named(sqlite_registry: Registry) -> None:
    checkpoint_id = prepare(sqlite_registry)
    dataset_id = load_battery(sqlite_registry, "five").dataset.id
    rule = replace(default_rule("language"), pooling="last")
    record_embedding(sqlite_registry, checkpoint_id, dataset_id, layers(signal=0.0, seed=3), rule=rule)
    with pytest.raises(UsageError, match="words has 2 embeddings on judged, by several rules") as caught:
        run_battery(sqlite_registry, "five", checkpoint_id)
    assert rule.content_key[:12] in caught.value.hint
    with sqlite_registry.read() as session:
        first, second = session.scalars(select(Embedding).order_by(Embedding.id))
    chosen = run_battery(sqlite_registry, "five", checkpoint_id, extraction_ids=[second.extraction_id])
    assert chosen.embedding_id == second.id
    other = run_battery(sqlite_registry, "five", checkpoint_id, extraction_ids=[first.extraction_id])
    assert (other.outcome, other.embedding_id) == ("added", first.id)


def test_a_damaged_file_leaves_no_score_and_a_failed_run(sqlite_registry: Registry) -> None:
    checkpoint_id = prepare(sqlite_registry)
    with sqlite_registry.read() as session:
        path = sqlite_registry.store.path(session.scalars(select(Embedding)).one().uri)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(StoreError):
        run_battery(sqlite_registry, "five", checkpoint_id)
    assert scores(sqlite_registry) == []
    with sqlite_registry.read() as session:
        assert session.scalars(select(Run)).one().status == "failed"


def test_unknown_checkpoint_is_refused(sqlite_registry: Registry) -> None:
    prepare(sqlite_registry)
    with pytest.raises(NotFoundError, match="no checkpoint has the id 99"):
        run_battery(sqlite_registry, "five", 99)
