"""Tasks outside this project, and what checkpoints reach on them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.tables.declarative import Digest, Identifier, Table


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


class Score(Table):
    """One claim about a checkpoint's result on a benchmark, with its source; every claim is kept."""

    __tablename__ = "score"
    __table_args__ = (
        CheckConstraint("value > -1e300 AND value < 1e300", name="value_is_finite"),
        CheckConstraint("stderr >= 0", name="stderr_is_not_negative"),
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
    source: Mapped[str]
    details: Mapped[dict[str, Any]]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    measured_at: Mapped[datetime]
