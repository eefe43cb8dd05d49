"""Whether something runs, was lost, or failed and waits."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy.orm import Session

from registry.findings import Finding, with_first
from registry.lock import holder_text, lock_holder
from registry.run_listings import outstanding_failures, unfinished_runs


def examine_lock(session: Session, *, is_free: bool) -> Iterator[Finding]:
    """Yield whether the lock is free, or who holds it."""
    if is_free:
        yield Finding("ok", "lock", "free")
        return
    holder = lock_holder(session)
    who = holder_text(holder) if holder else "who records no run: db upgrade, or another user's file"
    yield Finding("info", "lock", f"held by {who}")


def examine_runs(session: Session, *, is_free: bool) -> Iterator[Finding]:
    """Yield which runs were left running by processes that are gone."""
    unfinished = unfinished_runs(session, lock_is_free=is_free)
    lost = [f"run {run.run_id} ({run.kind})" for run in unfinished if run.is_lost]
    if lost:
        yield Finding(
            "warn",
            "runs",
            f"{with_first(f'{len(lost)} left running by processes that are gone', lost)}; "
            "what they committed is kept: run the same commands again",
        )
        return
    alive = [f"run {run.run_id} ({run.kind}) on {run.host}" for run in unfinished]
    yield Finding(
        "ok", "runs", with_first(f"{len(alive)} at work", alive) if alive else "none left unfinished"
    )


def examine_failures(session: Session) -> Iterator[Finding]:
    """Yield what failed and has not succeeded since."""
    failures = outstanding_failures(session)
    if not failures:
        yield Finding("ok", "failures", "none outstanding")
        return
    parked = sum(failure.is_parked for failure in failures)
    what = [f"{failure.subject} at {failure.stage} ({failure.last_error})" for failure in failures]
    count = f"{len(failures)} outstanding{f', {parked} of them parked' if parked else ''}"
    yield Finding("warn", "failures", with_first(count, what))
