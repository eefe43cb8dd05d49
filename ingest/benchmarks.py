"""Benchmarks: a task of a suite, measured by one metric, with its direction and its range."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from ingest.rows import get_or_add
from registry.errors import ConflictError, UsageError
from registry.tables import Benchmark

UNKNOWN_VERSION = "unknown"


@dataclass(frozen=True)
class BenchmarkDescription:
    """What somebody says about a benchmark; None leaves a fact as it is registered, or unknown.

    A benchmark that is new and whose direction nobody gives has higher values for better results.
    """

    suite: str
    task: str
    metric: str
    version: str = UNKNOWN_VERSION
    higher_is_better: bool | None = None
    low: float | None = None
    high: float | None = None
    chance: float | None = None


def parts_of(name: str) -> tuple[str, str]:
    """Return the suite and the task that `SUITE/TASK` names.

    Raises:
        UsageError: it does not name both.
    """
    suite, _, task = name.partition("/")
    if not suite.strip() or not task.strip():
        raise UsageError(f"'{name}' is no benchmark", hint="write SUITE/TASK, for example imagenet-1k/val")
    return suite, task


def benchmark_name(benchmark: Benchmark | BenchmarkDescription) -> str:
    """Return what people call a benchmark: `suite/task metric`."""
    return f"{benchmark.suite}/{benchmark.task} {benchmark.metric}"


def range_text(low: float | None, high: float | None) -> str:
    """Return a range as people read it: `0..1`, `at least 0`, `any value`."""
    if low is None and high is None:
        return "any value"
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g}..{high:g}"


def add_benchmark(
    session: Session,
    suite: str,
    task: str,
    metric: str,
    version: str,
    *,
    higher_is_better: bool,
    low: float | None = None,
    high: float | None = None,
    chance: float | None = None,
) -> Benchmark:
    """Return the benchmark of a suite, a task, a metric and a version, which is made where it is missing.

    Args:
        session: where; the caller commits.
        suite: what it belongs to.
        task: its task.
        metric: how a result is measured.
        version: which version of the task.
        higher_is_better: whether a higher value is a better one.
        low: lowest possible value; None where there is none.
        high: highest possible value; None where there is none.
        chance: what a guess reaches; None where it is not known.

    Raises:
        UsageError: the range is empty, or chance lies outside of it.
        ConflictError: it is registered with another direction, range or chance.
    """
    facts = {"higher_is_better": higher_is_better, "low": low, "high": high, "chance": chance}
    row = get_or_add(
        session,
        Benchmark,
        _is(suite, task, metric, version),
        lambda: _new(Benchmark(suite=suite, task=task, metric=metric, version=version, **facts)),
    )
    if {name: getattr(row, name) for name in facts} != facts:
        raise ConflictError(
            f"benchmark {benchmark_name(row)}, version {version}, is registered with "
            f"{_facts_text(row.higher_is_better, row.low, row.high, row.chance)}, "
            f"not with {_facts_text(higher_is_better, low, high, chance)}",
            hint="leave these out, or give the other benchmark a version of its own",
        )
    return row


def ensure_benchmark(session: Session, described: BenchmarkDescription) -> Benchmark:
    """Return the benchmark that somebody means; what they leave open is as it is registered.

    Raises:
        UsageError: its range is empty, or chance lies outside of it.
        ConflictError: what they say contradicts what is registered.
    """
    known = session.scalar(
        select(Benchmark).where(_is(described.suite, described.task, described.metric, described.version))
    )
    direction = described.higher_is_better
    if direction is None:
        direction = True if known is None else known.higher_is_better
    return add_benchmark(
        session,
        described.suite,
        described.task,
        described.metric,
        described.version,
        higher_is_better=direction,
        low=known.low if known is not None and described.low is None else described.low,
        high=known.high if known is not None and described.high is None else described.high,
        chance=known.chance if known is not None and described.chance is None else described.chance,
    )


def _is(suite: str, task: str, metric: str, version: str) -> ColumnElement[bool]:
    return (
        (Benchmark.suite == suite)
        & (Benchmark.task == task)
        & (Benchmark.metric == metric)
        & (Benchmark.version == version)
    )


def _new(row: Benchmark) -> Benchmark:
    """Return a benchmark that can be one."""
    if row.low is not None and row.high is not None and not row.low < row.high:
        raise UsageError(
            f"benchmark {benchmark_name(row)}: the range {range_text(row.low, row.high)} is empty",
            hint="give the lowest and the highest possible value",
        )
    if row.chance is not None and not is_within(row.chance, row.low, row.high):
        raise UsageError(
            f"benchmark {benchmark_name(row)}: chance {row.chance:g} is not in its range, "
            f"{range_text(row.low, row.high)}",
            hint="give chance in the unit of the metric",
        )
    return row


def is_within(value: float, low: float | None, high: float | None) -> bool:
    """Return whether a value lies in a range; NaN lies in none."""
    return (low is None or value >= low) and (high is None or value <= high) and value == value


def _facts_text(higher_is_better: bool, low: float | None, high: float | None, chance: float | None) -> str:
    direction = "higher is better" if higher_is_better else "lower is better"
    guess = "no chance known" if chance is None else f"chance {chance:g}"
    return f"{direction}, {range_text(low, high)}, {guess}"
