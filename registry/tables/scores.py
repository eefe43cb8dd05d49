"""Tasks outside this project, and what checkpoints reach on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.tables.declarative import Digest, Identifier, Table, one_of

SourceKind = Literal["own evaluation", "harness run", "paper", "leaderboard"]
Trust = Literal["high", "medium", "low"]


class Benchmark(Table):
    """One task of a suite, measured by one metric."""

    __tablename__ = "benchmark"
    __table_args__ = (UniqueConstraint("suite", "task", "metric", "version"),)

    id: Mapped[Identifier]
    suite: Mapped[str]
    task: Mapped[str]
    metric: Mapped[str]
    version: Mapped[str]
    higher_is_better: Mapped[bool] = mapped_column(Boolean)
    low: Mapped[float | None]
    high: Mapped[float | None]
    chance: Mapped[float | None]


class Source(Table):
    """Who says a score: a paper, a leaderboard, a harness run, or this program's own evaluation."""

    __tablename__ = "source"
    __table_args__ = (
        one_of("kind", ("own evaluation", "harness run", "paper", "leaderboard")),
        one_of("trust", ("high", "medium", "low")),
    )

    id: Mapped[Identifier]
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    trust: Mapped[str]
    url: Mapped[str | None]
    published_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Battery(Table):
    """A named set of tasks on one data set, measured in one way; its benchmarks carry its name as suite."""

    __tablename__ = "battery"
    __table_args__ = (one_of("kind", ("linear probe",)),)

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    definition: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Score(Table):
    """One claim about a checkpoint's result on a benchmark, with its source; every claim is kept.

    `chance` is what the same measurement gives on shuffled answers, where it was measured so.
    """

    __tablename__ = "score"
    __table_args__ = (
        CheckConstraint("value > -1e300 AND value < 1e300", name="value_is_finite"),
        CheckConstraint("stderr >= 0", name="stderr_is_not_negative"),
        CheckConstraint("chance > -1e300 AND chance < 1e300", name="chance_is_finite"),
    )

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"), index=True)
    benchmark_id: Mapped[int] = mapped_column(ForeignKey("benchmark.id"), index=True)
    value: Mapped[float]
    stderr: Mapped[float | None]
    item_count: Mapped[int | None]
    shots: Mapped[int | None]
    protocol: Mapped[str | None]
    split: Mapped[str | None]
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    chance: Mapped[float | None]
    details: Mapped[dict[str, Any]]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    measured_at: Mapped[datetime]


class ScoreRefusal(Table):
    """A claim that was refused: its value as text, since it may be NaN, and why."""

    __tablename__ = "score_refusal"
    __table_args__ = (UniqueConstraint("checkpoint_id", "benchmark_id", "source_id", "value"),)

    id: Mapped[Identifier]
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"))
    benchmark_id: Mapped[int] = mapped_column(ForeignKey("benchmark.id"))
    source_id: Mapped[int] = mapped_column(ForeignKey("source.id"))
    value: Mapped[str]
    reason: Mapped[str]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    refused_at: Mapped[datetime]
