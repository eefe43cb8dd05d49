"""The view of scores: which claim is the current one, and what became of a refused one."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from analysis.answers import ask
from analysis.snapshot import build_snapshot
from registry.handle import Registry
from registry.tables import Benchmark, Score, Source
from tests.analysis.tiny import MOMENT, TinyZoo, key


def ask_rows(registry: Registry, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(registry, sql).table.to_pylist()
    return rows


@pytest.fixture
def zoo(sqlite_registry: Registry) -> TinyZoo:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a", "b")
    tiny.add("c", modality="language")
    return tiny


def plant_claims(zoo: TinyZoo, *claims: tuple[str, str, int | None, int, float]) -> None:
    """Record claims about one checkpoint: source, trust, year of publication, year of measuring, value."""
    with zoo.registry.write() as session:
        benchmark = Benchmark(suite="text", task="bpb", metric="bits", version="1", higher_is_better=False)
        session.add(benchmark)
        sources = {
            name: Source(
                name=name,
                kind="paper",
                trust=trust,
                created_at=MOMENT,
                published_at=MOMENT.replace(year=year) if year else None,
            )
            for name, trust, year, _, _ in claims
        }
        session.add_all(sources.values())
        session.flush()
        for name, _, _, year, value in claims:
            session.add(
                Score(
                    content_key=key("score", name, year),
                    checkpoint_id=3,
                    benchmark_id=benchmark.id,
                    value=value,
                    source_id=sources[name].id,
                    details={},
                    measured_at=MOMENT.replace(year=year),
                )
            )
    build_snapshot(zoo.registry)


def current_values(zoo: TinyZoo) -> list[float]:
    return [row["value"] for row in ask_rows(zoo.registry, "SELECT value FROM scores WHERE is_current")]


def test_the_newest_claim_of_one_source_is_the_current_one(zoo: TinyZoo) -> None:
    plant_claims(
        zoo,
        ("own", "high", None, 2025, 1.5),
        ("own", "high", None, 2026, 1.25),
        ("own", "high", None, 2024, 2.0),
    )
    assert current_values(zoo) == [1.25]


def test_trust_comes_before_the_date(zoo: TinyZoo) -> None:
    plant_claims(
        zoo,
        ("a leaderboard", "low", None, 2026, 0.5),
        ("a paper", "high", None, 2024, 1.5),
        ("a harness", "medium", None, 2025, 1.0),
    )
    assert current_values(zoo) == [1.5]


def test_of_equal_trust_the_date_of_publication_decides_and_not_that_of_recording(zoo: TinyZoo) -> None:
    plant_claims(
        zoo,
        ("an older paper", "high", 2023, 2026, 1.5),
        ("a newer paper", "high", 2025, 2024, 1.25),
    )
    assert current_values(zoo) == [1.25]


def test_claims_of_other_shots_are_current_beside_each_other(zoo: TinyZoo) -> None:
    plant_claims(zoo, ("own", "high", None, 2025, 1.5), ("own", "high", None, 2026, 1.25))
    with zoo.registry.write() as session:
        session.execute(update(Score).where(Score.value == 1.5).values(shots=5))
    build_snapshot(zoo.registry)
    assert sorted(current_values(zoo)) == [1.25, 1.5]


def test_a_refused_claim_is_shown_without_its_value_and_with_its_reason(zoo: TinyZoo) -> None:
    zoo.annotate()
    with zoo.registry.write() as session:
        session.execute(update(Score).values(chance=0.25, stderr=0.01))
    build_snapshot(zoo.registry)
    question = "SELECT value, stderr, chance, source, trust, status, is_current FROM scores ORDER BY status"
    assert [tuple(row.values()) for row in ask_rows(zoo.registry, question)] == [
        (None, None, None, "own evaluation", "high", "refused: no number", False),
        (0.5, 0.01, 0.25, "own evaluation", "high", "valid", True),
    ]
