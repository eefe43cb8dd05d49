"""How fast a host works: one rate for each kind of work, the last that was measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from registry.clock import now
from registry.tables import HostRate


@dataclass(frozen=True)
class Rate:
    """A measured rate.

    Attributes:
        per_second: units of work per second.
        run_id: which run measured it.
        measured_at: when.
    """

    per_second: float
    run_id: int
    measured_at: datetime


def score_work(metric: str) -> str:
    """Return the kind of work that scoring is, in layer pairs x items."""
    return f"score {metric}"


def null_work(metric: str) -> str:
    """Return the kind of work that drawing nulls is, in layer pairs x draws x items."""
    return f"null {metric}"


def prepare_work(metric: str) -> str:
    """Return the kind of work that making layers ready is, in layers x items x items."""
    return f"prepare {metric}"


def record_rate(session: Session, host: str, device: str, work: str, rate: float, run_id: int) -> None:
    """Keep a rate in the place of the last one.

    Args:
        session: to write in.
        host: which machine.
        device: `cpu`, `cuda` …
        work: which kind (`score_work` and its like).
        rate: units of work per second, above 0.
        run_id: the run that measured it.
    """
    is_it = (HostRate.host == host, HostRate.device == device, HostRate.work == work)
    session.execute(delete(HostRate).where(*is_it))
    row = HostRate(host=host, device=device, work=work, rate=rate, run_id=run_id, measured_at=now())
    session.add(row)
    session.flush()


def last_device(session: Session, host: str) -> str | None:
    """Return the device that was measured last on a host, None where none was."""
    return session.scalar(
        select(HostRate.device).where(HostRate.host == host).order_by(HostRate.measured_at.desc()).limit(1)
    )


def measured_rates(session: Session, host: str, device: str) -> dict[str, Rate]:
    """Return the rates of a host and a device by kind of work, and where they come from."""
    rows = session.scalars(
        select(HostRate).where(HostRate.host == host, HostRate.device == device).order_by(HostRate.work)
    )
    return {row.work: Rate(row.rate, row.run_id, row.measured_at) for row in rows}


def rates(session: Session, host: str, device: str) -> dict[str, float]:
    """Return the rates of a host and a device by kind of work, in units of work per second."""
    return {work: rate.per_second for work, rate in measured_rates(session, host, device).items()}
