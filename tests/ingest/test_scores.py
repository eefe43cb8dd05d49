"""Every claim is kept with its source, or refused with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from threading import Barrier, Thread

import pytest
from sqlalchemy import select

from ingest.benchmarks import BenchmarkDescription
from ingest.checkpoints import add_checkpoint
from ingest.score_sources import OWN, SourceDescription, ensure_source, own_evaluation
from ingest.scores import Claim, Recorded, record_score
from registry.errors import ConflictError, InputError, NotFoundError, UsageError
from registry.handle import Registry
from registry.tables import Score, ScoreRefusal, Source
from registry.tables.scores import SourceKind

BENCHMARK = BenchmarkDescription("imagenet", "val", "top1", "1", low=0.0, high=1.0)
PAPER = SourceDescription("he-2016", kind="paper")


@pytest.fixture
def checkpoint_id(sqlite_registry: Registry) -> int:
    return add_checkpoint(sqlite_registry, "baseline:pixels", name="pixels").checkpoint_id


def record(
    registry: Registry, checkpoint_id: int, claim: Claim | float, source: SourceDescription = PAPER
) -> Recorded:
    claim = claim if isinstance(claim, Claim) else Claim(claim)
    return record_score(registry, checkpoint_id, BENCHMARK, source, claim)


def scores(registry: Registry) -> list[Score]:
    with registry.read() as session:
        return list(session.scalars(select(Score).order_by(Score.id)))


def test_a_claim_is_kept_with_all_that_is_said(registry: Registry) -> None:
    checkpoint_id = add_checkpoint(registry, "baseline:pixels").checkpoint_id
    said = Claim(0.75, 0.002, None, 50_000, 0, "centre crop", "val", {"table": 4})
    source = SourceDescription(
        "he-2016", "paper", url="https://example.org", published_at=datetime(2016, 6, 27, tzinfo=UTC)
    )
    done = record(registry, checkpoint_id, said, source)
    again = record(registry, checkpoint_id, said, source)
    assert (done.outcome, again.outcome, again.score_id) == ("added", "unchanged", done.score_id)
    (row,) = scores(registry)
    with registry.read() as session:
        stored = session.get_one(Source, row.source_id)
    assert (row.value, row.stderr, row.item_count, row.shots) == (0.75, 0.002, 50_000, 0)
    assert (row.protocol, row.split, row.details, row.run_id) == ("centre crop", "val", {"table": 4}, None)
    assert (stored.name, stored.kind, stored.trust) == ("he-2016", "paper", "medium")
    assert stored.published_at == datetime(2016, 6, 27, tzinfo=UTC)


def test_every_claim_of_a_source_is_kept(sqlite_registry: Registry, checkpoint_id: int) -> None:
    first = Claim(0.75, shots=5, protocol="crop", split="val")
    others = [
        replace(first, value=0.76),
        replace(first, shots=0),
        replace(first, protocol="resize"),
        replace(first, split="test"),
        replace(first, stderr=0.1),
        replace(first, item_count=10),
    ]
    for claim in (first, *others):
        assert record(sqlite_registry, checkpoint_id, claim).outcome == "added"
    other = add_checkpoint(sqlite_registry, "baseline:pixels:4").checkpoint_id
    board = SourceDescription("board", "leaderboard")
    assert record(sqlite_registry, checkpoint_id, first, board).outcome == "added"
    assert record(sqlite_registry, other, first).outcome == "added"
    assert len({row.content_key for row in scores(sqlite_registry)}) == 9


def test_claims_that_race_become_one_row(registry: Registry) -> None:
    checkpoint_id = add_checkpoint(registry, "baseline:pixels").checkpoint_id
    barrier = Barrier(4)
    outcomes: list[str] = []

    def run() -> None:
        barrier.wait()
        outcomes.append(record(registry, checkpoint_id, 0.5).outcome)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["added", "unchanged", "unchanged", "unchanged"]
    assert len(scores(registry)) == 1


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "it is no finite number (0..1)"),
        (float("inf"), "it is no finite number (0..1)"),
        (-0.01, "it is outside the benchmark's range (0..1)"),
        (75.2, "it is outside the benchmark's range (0..1)"),
    ],
)
def test_a_value_that_cannot_be_is_refused_and_kept_once_with_the_reason(
    registry: Registry, value: float, reason: str
) -> None:
    checkpoint_id = add_checkpoint(registry, "baseline:pixels", name="pixels").checkpoint_id
    for _ in range(2):
        with pytest.raises(InputError) as caught:
            record(registry, checkpoint_id, value)
        assert caught.value.message == f"pixels on imagenet/val top1: {value!r} is refused, {reason}"
        assert caught.value.exit_code == 1
    assert scores(registry) == []
    with registry.read() as session:
        row = session.scalars(select(ScoreRefusal)).one()
    assert (row.checkpoint_id, row.value, row.reason) == (checkpoint_id, repr(value), reason)


def test_a_percentage_is_told_the_way_out(sqlite_registry: Registry, checkpoint_id: int) -> None:
    with pytest.raises(InputError) as caught:
        record(sqlite_registry, checkpoint_id, 75.2)
    assert caught.value.hint == "give a percentage as a fraction"


@pytest.mark.parametrize(
    ("claim", "reason"),
    [
        (Claim(0.5, stderr=-0.1), "its standard error -0.1 cannot be one"),
        (Claim(0.5, stderr=float("nan")), "its standard error nan cannot be one"),
        (Claim(0.5, chance=float("nan")), "its chance nan is outside"),
        (Claim(0.5, chance=2.0), "its chance 2.0 is outside"),
    ],
)
def test_an_error_or_a_chance_that_cannot_be_is_refused(
    sqlite_registry: Registry, checkpoint_id: int, claim: Claim, reason: str
) -> None:
    with pytest.raises(InputError, match=reason):
        record(sqlite_registry, checkpoint_id, claim)
    assert scores(sqlite_registry) == []


def test_the_ends_of_the_range_are_in_it(sqlite_registry: Registry, checkpoint_id: int) -> None:
    assert record(sqlite_registry, checkpoint_id, 0.0).outcome == "added"
    assert record(sqlite_registry, checkpoint_id, 1.0).outcome == "added"


@pytest.mark.parametrize(
    ("kind", "trust"),
    [("own evaluation", "high"), ("harness run", "high"), ("paper", "medium"), ("leaderboard", "low")],
)
def test_a_source_is_trusted_as_its_kind_is(sqlite_registry: Registry, kind: SourceKind, trust: str) -> None:
    with sqlite_registry.write() as session:
        assert ensure_source(session, "new", kind).trust == trust
        assert ensure_source(session, "other", kind, trust="low").trust == "low"


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (SourceDescription("he-2016", "leaderboard"), "registered with kind paper, not leaderboard"),
        (SourceDescription("he-2016", trust="high"), "registered with trust medium, not high"),
        (
            SourceDescription("he-2016", published_at=datetime(2017, 1, 1, tzinfo=UTC)),
            "registered with published 2016-06-27, not 2017-01-01",
        ),
    ],
)
def test_a_source_does_not_change(
    sqlite_registry: Registry, checkpoint_id: int, source: SourceDescription, message: str
) -> None:
    dated = replace(PAPER, published_at=datetime(2016, 6, 27, tzinfo=UTC))
    record(sqlite_registry, checkpoint_id, 0.5, dated)
    with pytest.raises(ConflictError, match=message):
        record(sqlite_registry, checkpoint_id, 0.6, source)
    assert len(scores(sqlite_registry)) == 1


def test_what_was_not_known_about_a_source_is_filled_in(
    sqlite_registry: Registry, checkpoint_id: int
) -> None:
    record(sqlite_registry, checkpoint_id, 0.5)
    record(sqlite_registry, checkpoint_id, 0.6, SourceDescription("he-2016", url="https://example.org"))
    with sqlite_registry.read() as session:
        assert session.scalars(select(Source)).one().url == "https://example.org"


def test_a_new_source_needs_its_kind(sqlite_registry: Registry, checkpoint_id: int) -> None:
    with pytest.raises(UsageError, match="source nobody is new"):
        record(sqlite_registry, checkpoint_id, 0.5, SourceDescription("nobody"))
    with sqlite_registry.read() as session:
        assert session.scalars(select(Source)).all() == []


def test_nobody_speaks_for_this_program(sqlite_registry: Registry, checkpoint_id: int) -> None:
    with pytest.raises(UsageError, match="is what this program measures itself"):
        record(sqlite_registry, checkpoint_id, 0.5, SourceDescription(OWN, OWN))
    with sqlite_registry.write() as session:
        assert own_evaluation(session).id == own_evaluation(session).id


def test_unknown_checkpoint_is_refused(sqlite_registry: Registry) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint has the id 7"):
        record(sqlite_registry, 7, 0.5)
