"""What a run that was stopped has left to do, and the command that goes on with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cavewall.rendering import plural

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from registry.run_listings import RunLine

ALIGN = "align run"
COMMANDS = {
    ALIGN: "cavewall align run",
    "embed extract": "cavewall embed extract",
    "snapshot": "cavewall snapshot build",
}


def stopped_short(run: RunLine) -> bool:
    """Return whether a run has ended without having done all it was asked to."""
    return run.is_lost or run.status in ("interrupted", "failed", "partly done")


def left_to_do(session: Session, run: RunLine) -> str | None:
    """Return what is missing now after a run that stopped short, None where it did not or nothing is."""
    if not stopped_short(run):
        return None
    if run.kind != ALIGN:
        return f"resume: {COMMANDS.get(run.kind, 'give the same command again')}"
    missing = missing_text(session)
    return f"{missing}; resume: {COMMANDS[ALIGN]}" if missing else None


def missing_text(session: Session) -> str:
    """Return how many pairs and nulls all targets lack, '' where they lack none."""
    from compute.coverage import coverage

    covered = coverage(session)
    lacking = {
        "pair": sum(target.wanted - target.fresh for target in covered),
        "null": sum(target.wanted - target.calibrated for target in covered),
    }
    parts = [plural(count, noun) for noun, count in lacking.items() if count]
    return f"{' and '.join(parts)} missing" if parts else ""
