"""Benchmarks are registered once, with one direction and one range."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from ingest.benchmarks import (
    BenchmarkDescription,
    add_benchmark,
    ensure_benchmark,
    is_within,
    parts_of,
    range_text,
)
from registry.errors import ConflictError, UsageError
from registry.handle import Registry
from registry.tables import Benchmark

NAME = ("hellaswag", "all", "acc", "1")
FACTS: dict[str, Any] = {"higher_is_better": True, "low": 0.0, "high": 1.0, "chance": 0.25}


def add(registry: Registry, **changes: Any) -> int:
    with registry.write() as session:
        return add_benchmark(session, *NAME, **(FACTS | changes)).id


def test_the_same_benchmark_again_is_the_same_row(registry: Registry) -> None:
    assert add(registry) == add(registry)
    with registry.read() as session:
        row = session.scalars(select(Benchmark)).one()
    assert (row.suite, row.task, row.metric, row.version) == NAME
    assert (row.higher_is_better, row.low, row.high, row.chance) == (True, 0.0, 1.0, 0.25)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"higher_is_better": False}, "not with lower is better, 0..1, chance 0.25"),
        ({"high": 100.0}, "not with higher is better, 0..100, chance 0.25"),
        ({"low": None}, "not with higher is better, at most 1, chance 0.25"),
        ({"chance": None}, "not with higher is better, 0..1, no chance known"),
    ],
)
def test_the_same_benchmark_with_other_facts_is_refused_naming_both(
    sqlite_registry: Registry, changes: dict[str, Any], said: str
) -> None:
    add(sqlite_registry)
    with pytest.raises(ConflictError) as caught:
        add(sqlite_registry, **changes)
    assert "hellaswag/all acc, version 1, is registered with higher is better, 0..1, chance 0.25" in str(
        caught.value
    )
    assert said in str(caught.value)


def test_another_version_may_have_another_range(sqlite_registry: Registry) -> None:
    first = add(sqlite_registry)
    with sqlite_registry.write() as session:
        second = add_benchmark(session, *NAME[:3], "2", higher_is_better=True, low=0.0, high=100.0)
        assert second.id != first


def test_what_a_description_leaves_open_is_as_registered(sqlite_registry: Registry) -> None:
    add(sqlite_registry, higher_is_better=False)
    with sqlite_registry.write() as session:
        row = ensure_benchmark(session, BenchmarkDescription(*NAME))
        assert (row.higher_is_better, row.high) == (False, 1.0)
        with pytest.raises(ConflictError, match="not with higher is better"):
            ensure_benchmark(session, BenchmarkDescription(*NAME, higher_is_better=True))
        new = ensure_benchmark(session, BenchmarkDescription("other", "one", "acc"))
        assert (new.higher_is_better, new.low, new.version) == (True, None, "unknown")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 1.0, "high": 1.0}, "the range 1..1 is empty"),
        ({"high": -1.0}, "the range 0..-1 is empty"),
        ({"low": float("nan")}, "is empty"),
        ({"chance": 1.5}, "chance 1.5 is not in its range, 0..1"),
        ({"chance": float("nan")}, "chance nan is not in its range"),
    ],
)
def test_a_benchmark_that_cannot_be_is_refused(
    sqlite_registry: Registry, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        add(sqlite_registry, **changes)
    with sqlite_registry.read() as session:
        assert session.scalars(select(Benchmark)).all() == []


@pytest.mark.parametrize("name", ["imagenet", "/val", "imagenet/", " / "])
def test_a_name_without_suite_or_task_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no benchmark"):
        parts_of(name)
    assert parts_of("vtab/dsprites/location") == ("vtab", "dsprites/location")


def test_ranges_read_as_people_say_them() -> None:
    texts = [range_text(low, high) for low in (None, 0.0) for high in (None, 1.0)]
    assert texts == ["any value", "at most 1", "at least 0", "0..1"]
    assert is_within(0.0, 0.0, 1.0)
    assert is_within(1.0, 0.0, 1.0)
    assert not is_within(-1e-12, 0.0, None)
    assert not is_within(float("nan"), None, None)
