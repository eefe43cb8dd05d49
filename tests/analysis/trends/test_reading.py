"""What of the claims about a checkpoint a trend takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from analysis.snapshot import build_snapshot
from analysis.trends.reading import read
from registry.handle import Registry
from registry.tables import Benchmark, Score, Source
from tests.analysis.tiny import MOMENT, TinyZoo, key
from tests.analysis.trends.planted import BATTERY, plant_alignment, plant_scores


@pytest.fixture
def registry(sqlite_registry: Registry) -> Registry:
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b")
    plant_alignment(zoo, lambda left, right: 0.5)
    plant_scores(sqlite_registry, {"a": {"one": 0.5}, "b": {"one": 0.6}})
    return sqlite_registry


def claim(registry: Registry, value: float, *, source_id: int = 1, later: int = 0, **columns: Any) -> None:
    """Claim another value of checkpoint 1 on benchmark 1, some days later."""
    claimed = {"checkpoint_id": 1, "benchmark_id": 1, **columns}
    with registry.write() as session:
        session.add(
            Score(
                content_key=key("claim", value, *columns.values()),
                value=value,
                source_id=source_id,
                details={},
                measured_at=MOMENT + timedelta(days=later),
                **claimed,
            )
        )


def values(registry: Registry) -> dict[str, list[float]]:
    build_snapshot(registry)
    found: dict[str, list[float]] = {}
    for result in read(registry, battery=BATTERY, target=None, snapshot=None).results:
        found.setdefault(result.name, []).append(result.value)
    return found


def test_one_value_for_each_task_the_newest_of_several_protocols(registry: Registry) -> None:
    claim(registry, 0.7, later=1, protocol="other")
    claim(registry, 0.9, later=-1, protocol="old")
    assert values(registry) == {"a": [0.7], "b": [0.6]}


def test_the_more_trusted_claim_is_taken_though_another_is_newer(registry: Registry) -> None:
    with registry.write() as session:
        session.add(Source(name="rumour", kind="leaderboard", trust="low", created_at=MOMENT))
    claim(registry, 0.9, source_id=2, later=5, protocol="other")
    claim(registry, 0.95, source_id=2, later=6)
    assert values(registry) == {"a": [0.5], "b": [0.6]}


def test_of_a_task_with_two_versions_the_later_one_is_asked(registry: Registry) -> None:
    with registry.write() as session:
        session.add(
            Benchmark(
                suite=BATTERY, task="one", metric="balanced_accuracy", version="2", higher_is_better=True,
                low=0, high=1, chance=0.25,
            )
        )  # fmt: skip
    claim(registry, 0.8, benchmark_id=2)
    build_snapshot(registry)
    (task,) = read(registry, battery=BATTERY, target=None, snapshot=None).tasks
    assert (task.benchmark_id, task.chance) == (2, 0.25)


def test_other_metrics_of_the_suite_are_not_tasks(registry: Registry) -> None:
    with registry.write() as session:
        session.add(
            Benchmark(
                suite=BATTERY,
                task="two",
                metric="accuracy",
                version="1",
                higher_is_better=True,
                low=0,
                high=1,
            )
        )
    build_snapshot(registry)
    assert [t.task for t in read(registry, battery=None, target=None, snapshot=None).tasks] == ["one"]
