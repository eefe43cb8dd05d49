"""Write a unit of the null: what it says about its pairs, and the watermarks, in one transaction."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from compute.commit import in_block, live_pairs, set_columns
from compute.units import Unit
from registry.errors import ConflictError
from registry.tables import Alignment, Slot, Target

if TYPE_CHECKING:
    from compute.engine import Block
    from compute.null import Calibration


def calibrated_pairs(session: Session, target: Target, unit: Unit) -> set[tuple[int, int]]:
    """Return the pairs of a unit's block whose null is done, beyond what the watermarks promise."""
    statement = select(Alignment.row_slot, Alignment.column_slot).where(
        *in_block(target.id, unit), Alignment.draws == target.draws, Alignment.direction == 0
    )
    return {(row, column) for row, column in session.execute(statement)}


def observed_scores(session: Session, target_id: int, unit: Unit) -> dict[tuple[int, int, int], float]:
    """Return the scores of a unit's block, by direction, row slot and column slot."""
    columns = (Alignment.direction, Alignment.row_slot, Alignment.column_slot, Alignment.score)
    statement = select(*columns).where(*in_block(target_id, unit))
    return {(direction, row, column): score for direction, row, column, score in session.execute(statement)}


def commit_null(
    session: Session, target: Target, unit: Unit, block: Block | None, found: Calibration | None, scale: float
) -> int:
    """Write the nulls of a unit's pairs whose slots are live, advance the watermarks, and return how many.

    Args:
        session: inside the transaction that holds the lock.
        target: whose matrix, as the run read it.
        unit: the block of the matrix.
        block: its pairs that were missing; None where there were none.
        found: what their draws say, (directions, rows, columns), in entries of a grid.
        scale: what an entry is divided by to be a score.

    Raises:
        ConflictError: somebody raised the target's draws since the run began; nothing is written.
    """
    # The row is locked against a change until the commit: a null of too few draws must not be promised.
    draws = session.scalar(select(Target.draws).where(Target.id == target.id).with_for_update(read=True))
    if draws != target.draws:
        raise ConflictError(
            f"the draws of target {target.name} were raised from {target.draws} to {draws} during the run",
            hint="go on with as many: cavewall align run",
        )
    written = 0
    if block is not None and found is not None:
        pairs = live_pairs(session, target.id, block.rows, block.columns, block.wanted)
        values = [
            (
                block.rows[i],
                block.columns[j],
                direction,
                _columns(found, (direction, i, j), target.draws, scale),
            )
            for i, j in pairs
            for direction in range(len(found.p))
        ]
        set_columns(session, target.id, values)
        written = len(pairs)
    _advance(session, target.id, unit)
    return written


def _columns(found: Calibration, at: tuple[int, int, int], draws: int, scale: float) -> dict[str, Any]:
    calibrated = float(found.calibrated[at])
    return {
        "null_mean": float(found.null_mean[at]) / scale,
        "null_sd": float(found.null_sd[at]) / scale,
        "tau": float(found.tau[at]) / scale,
        "p": float(found.p[at]),
        "calibrated": None if math.isnan(calibrated) else calibrated,
        "draws": draws,
    }


def _advance(session: Session, target_id: int, unit: Unit) -> None:
    minimum = func.min if session.get_bind().dialect.name == "sqlite" else func.least
    through = minimum(Slot.done_through, unit.stop)
    session.execute(
        update(Slot)
        .where(
            Slot.target_id == target_id,
            Slot.slot.in_(unit.rows),
            Slot.null_through >= unit.start,
            Slot.null_through < through,
        )
        .values(null_through=through)
        .execution_options(synchronize_session=False)
    )
