"""Runs and failures: what was done, by whom, and what did not work."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from registry.clock import now
from registry.errors import Interrupted
from registry.tables import Failure, Run

if TYPE_CHECKING:
    from registry.handle import Registry


@dataclass
class RecordedRun:
    """A run that is under way; what stands in `counts` when it ends is kept."""

    id: int
    counts: dict[str, Any] = field(default_factory=dict)


def code_version() -> str:
    """Return the version of the installed package."""
    try:
        return version("cavewall")
    except PackageNotFoundError:
        return "unknown"


def begin_run(session: Session, *, kind: str, device: str, holds_lock: bool) -> int:
    """Insert the row of a run that starts now and return its id."""
    run = Run(
        kind=kind,
        status="running",
        holds_lock=holds_lock,
        host=socket.gethostname(),
        pid=os.getpid(),
        device=device,
        code_version=code_version(),
        counts={},
        cancel_requested=False,
        started_at=now(),
    )
    session.add(run)
    session.flush()
    return run.id


def end_run(session: Session, run_id: int, *, status: str, counts: dict[str, Any]) -> None:
    """Record how a run ended; a run that somebody else marked as ended stays as it is."""
    session.execute(
        update(Run)
        .where(Run.id == run_id, Run.status == "running")
        .values(status=status, counts=counts, ended_at=now())
    )


def mark_interrupted(session: Session) -> None:
    """Mark runs that held the lock and never ended: whoever holds it now knows that they are dead."""
    session.execute(
        update(Run)
        .where(Run.status == "running", Run.holds_lock)
        .values(status="interrupted", ended_at=now())
    )


def status_of(error: BaseException | None, counts: dict[str, Any]) -> str:
    """Return the word for how a run ended, from what stopped it and how many items failed."""
    if error is None:
        return "partly done" if counts.get("failed") else "done"
    return "interrupted" if isinstance(error, KeyboardInterrupt | Interrupted) else "failed"


@contextmanager
def recorded_run(registry: Registry, kind: str, device: str = "cpu") -> Iterator[RecordedRun]:
    """Record a run that needs no lock, from its beginning to its end, whatever ends it."""
    with registry.write() as session:
        run = RecordedRun(begin_run(session, kind=kind, device=device, holds_lock=False))
    error: BaseException | None = None
    try:
        yield run
    except BaseException as caught:
        error = caught
        raise
    finally:
        with registry.write() as session:
            end_run(session, run.id, status=status_of(error, run.counts), counts=run.counts)


def record_failure(session: Session, subject: str, stage: str, error: str, run_id: int | None) -> None:
    """Count a failure of a subject at a stage, with its last reason."""
    moment = now()
    failure = session.scalar(select(Failure).where(Failure.subject == subject, Failure.stage == stage))
    if failure is None:
        failure = Failure(subject=subject, stage=stage, attempts=0, first_at=moment, is_parked=False)
        session.add(failure)
    failure.attempts += 1
    failure.last_error = error
    failure.last_at = moment
    failure.run_id = run_id


def clear_failure(session: Session, subject: str, stage: str) -> None:
    """Forget the failures of a subject at a stage: it has succeeded."""
    session.execute(delete(Failure).where(Failure.subject == subject, Failure.stage == stage))
