"""What was done, what failed, and what was published."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from registry.tables.declarative import Digest, Identifier, Table, one_of

RunStatus = Literal["running", "done", "partly done", "failed", "interrupted"]


class Run(Table):
    """One execution of a command that writes."""

    __tablename__ = "run"
    __table_args__ = (
        one_of("status", ("running", "done", "partly done", "failed", "interrupted")),
        CheckConstraint("(status = 'running') = (ended_at IS NULL)", name="ended_unless_running"),
    )

    id: Mapped[Identifier]
    kind: Mapped[str]
    status: Mapped[str]
    holds_lock: Mapped[bool] = mapped_column(Boolean)
    host: Mapped[str]
    pid: Mapped[int]
    device: Mapped[str]
    code_version: Mapped[str]
    counts: Mapped[dict[str, Any]]
    cancel_requested: Mapped[bool] = mapped_column(Boolean, default=False)
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class HostRate(Table):
    """How fast a host did a kind of work the last time, for estimates: units of work per second."""

    __tablename__ = "host_rate"
    __table_args__ = (CheckConstraint("rate > 0", name="rate_is_positive"),)

    host: Mapped[str] = mapped_column(primary_key=True)
    device: Mapped[str] = mapped_column(primary_key=True)
    work: Mapped[str] = mapped_column(primary_key=True)
    rate: Mapped[float]
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    measured_at: Mapped[datetime]


class Failure(Table):
    """A subject that failed at a stage, until it succeeds there."""

    __tablename__ = "failure"
    __table_args__ = (
        UniqueConstraint("subject", "stage"),
        CheckConstraint("attempts > 0", name="was_attempted"),
    )

    id: Mapped[Identifier]
    subject: Mapped[str]
    stage: Mapped[str]
    attempts: Mapped[int]
    last_error: Mapped[str]
    is_parked: Mapped[bool] = mapped_column(Boolean, default=False)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime | None]


class Snapshot(Table):
    """A numbered manifest of immutable Parquet files."""

    __tablename__ = "snapshot"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    uri: Mapped[str]
    sha256: Mapped[Digest]
    name: Mapped[str | None] = mapped_column(unique=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("run.id"))
    created_at: Mapped[datetime]
