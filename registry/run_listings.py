"""Runs as people look at them: what was done, by whom, how it ended, and what it failed at."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import NotFoundError
from registry.processes import is_running
from registry.tables import Failure, Run

JUST_BEGUN_SECONDS = 5.0


@dataclass(frozen=True)
class RunLine:
    """A run as lists show it.

    `status` is what its row says. `is_lost` says of one that is `running` there that its process is gone:
    nobody was left to record how it ended.
    """

    run_id: int
    kind: str
    status: str
    is_lost: bool
    started_at: datetime
    ended_at: datetime | None
    seconds: float
    host: str
    pid: int
    device: str
    code_version: str
    holds_lock: bool
    cancel_requested: bool
    counts: dict[str, Any]


@dataclass(frozen=True)
class FailureLine:
    """A subject that failed at a stage and has not succeeded there since."""

    subject: str
    stage: str
    attempts: int
    last_error: str
    is_parked: bool
    last_at: datetime


def list_runs(
    session: Session, *, lock_is_free: bool, kind: str | None = None, limit: int | None = None
) -> list[RunLine]:
    """Return runs, the newest first.

    Args:
        session: of the registry.
        lock_is_free: whether nobody held the lock just before; then a run that should hold it is lost.
        kind: only of this command.
        limit: at most so many.
    """
    statement = select(Run).order_by(Run.id.desc()).limit(limit)
    if kind is not None:
        statement = statement.where(Run.kind == kind)
    return [run_line(run, lock_is_free=lock_is_free) for run in session.scalars(statement)]


def unfinished_runs(session: Session, *, lock_is_free: bool) -> list[RunLine]:
    """Return the runs that are `running` as their rows say, the oldest first."""
    statement = select(Run).where(Run.status == "running").order_by(Run.id)
    return [run_line(run, lock_is_free=lock_is_free) for run in session.scalars(statement)]


def run_kinds(session: Session) -> list[str]:
    """Return which commands have been run, by name."""
    return list(session.scalars(select(Run.kind).distinct().order_by(Run.kind)))


def find_run(session: Session, run_id: int | None) -> Run:
    """Return the run of an id, or the last one.

    Raises:
        NotFoundError: there is none.
    """
    statement = select(Run).order_by(Run.id.desc()).limit(1)
    run = session.scalar(statement if run_id is None else statement.where(Run.id == run_id))
    if run is not None:
        return run
    if run_id is None:
        raise NotFoundError("nothing has been run here yet", hint="'cavewall status' says what comes next")
    raise NotFoundError(f"no run {run_id}", hint="'cavewall run list' shows them")


def run_line(run: Run, *, lock_is_free: bool) -> RunLine:
    """Return a run with what its row cannot know: how long it has lasted, and whether its process is gone."""
    return RunLine(
        run_id=run.id,
        kind=run.kind,
        status=run.status,
        is_lost=_is_lost(run, lock_is_free),
        started_at=run.started_at,
        ended_at=run.ended_at,
        seconds=((run.ended_at or now()) - run.started_at).total_seconds(),
        host=run.host,
        pid=run.pid,
        device=run.device,
        code_version=run.code_version,
        holds_lock=run.holds_lock,
        cancel_requested=run.cancel_requested,
        counts=dict(run.counts),
    )


def failures_of(session: Session, run_id: int) -> list[FailureLine]:
    """Return what failed last in a run and has not succeeded since."""
    return _failures(
        session.scalars(select(Failure).where(Failure.run_id == run_id).order_by(Failure.id)).all()
    )


def outstanding_failures(session: Session) -> list[FailureLine]:
    """Return everything that failed and has not succeeded since, the latest first."""
    statement = select(Failure).order_by(Failure.last_at.desc(), Failure.id.desc())
    return _failures(session.scalars(statement).all())


def _failures(rows: Sequence[Failure]) -> list[FailureLine]:
    return [
        FailureLine(
            subject=row.subject,
            stage=row.stage,
            attempts=row.attempts,
            last_error=row.last_error,
            is_parked=row.is_parked,
            last_at=row.last_at,
        )
        for row in rows
    ]


def _is_lost(run: Run, lock_is_free: bool) -> bool:
    """Return whether a run that never ended has no process any more, as far as can be known from here.

    One on this machine is known by its process, one that held the lock by the lock, unless it began this
    moment: then it may have taken it since somebody looked.
    """
    if run.status != "running":
        return False
    if run.host == socket.gethostname() and not is_running(run.pid, run.started_at):
        return True
    is_new = (now() - run.started_at).total_seconds() < JUST_BEGUN_SECONDS
    return run.holds_lock and lock_is_free and not is_new
