"""Write a unit: its rows, its part and the watermarks, in one transaction, whatever the order of arrival."""

from __future__ import annotations

from typing import Any

import numpy as np
from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from compute.grids import ScoredUnit
from compute.units import Unit
from registry.clock import now
from registry.store import StoredFile
from registry.tables import Alignment, Part, Slot


def existing_pairs(session: Session, target_id: int, unit: Unit) -> set[tuple[int, int]]:
    """Return the pairs of a unit's block that are written already, beyond what the watermarks promise."""
    statement = select(Alignment.row_slot, Alignment.column_slot).where(
        Alignment.target_id == target_id,
        Alignment.row_slot.in_(unit.rows),
        Alignment.column_slot >= unit.start,
        Alignment.column_slot < unit.stop,
    )
    return {(row, column) for row, column in session.execute(statement)}


def commit_unit(
    session: Session,
    target_id: int,
    unit: Unit,
    scored: ScoredUnit | None,
    *,
    entries_per_score: int,
    part: StoredFile | None,
    run_id: int,
) -> int:
    """Write the pairs of a unit whose slots are live, advance the watermarks, and return how many.

    A watermark moves only over the contiguous prefix: a unit that arrives before the one to its left writes
    its rows and leaves the watermark where it is. Rows that are there already stay as they are.

    Args:
        session: inside the transaction that holds the lock.
        target_id: whose matrix.
        unit: the block.
        scored: its counts; None where nothing of the block was missing.
        entries_per_score: what a count is divided by, n * k.
        part: the stored layer grid, None with `scored`.
        run_id: who computed it.
    """
    written = 0
    if scored is not None and part is not None:
        live = _live_slots(session, target_id, [*scored.rows, *scored.columns])
        pairs = [
            (i, j)
            for i, j in zip(*np.nonzero(scored.wanted), strict=True)
            if scored.rows[i] in live and scored.columns[j] in live
        ]
        if pairs:
            part_id = _insert_part(session, target_id, part, scored.layer_pair_count, run_id)
            rows = [_row(target_id, scored, int(i), int(j), entries_per_score, part_id) for i, j in pairs]
            _insert_ignoring_known(session, rows)
            written = len(rows)
    _advance(session, target_id, unit)
    return written


def _live_slots(session: Session, target_id: int, slots: list[int]) -> set[int]:
    statement = select(Slot.slot).where(Slot.target_id == target_id, Slot.is_live, Slot.slot.in_(slots))
    return set(session.scalars(statement))


def _insert_part(session: Session, target_id: int, part: StoredFile, row_count: int, run_id: int) -> int:
    row = Part(
        kind="layer_grid",
        target_id=target_id,
        uri=part.uri,
        sha256=part.sha256,
        row_count=row_count,
        run_id=run_id,
        created_at=now(),
    )
    session.add(row)
    session.flush()
    return row.id


def _row(target_id: int, scored: ScoredUnit, i: int, j: int, entries: int, part_id: int) -> dict[str, Any]:
    return {
        "target_id": target_id,
        "row_slot": int(scored.rows[i]),
        "column_slot": int(scored.columns[j]),
        "score": int(scored.best.count[i, j]) / entries,
        "row_layer": int(scored.best.row_layer[i, j]),
        "column_layer": int(scored.best.column_layer[i, j]),
        "layer_pairs": int(scored.row_layers[i] * scored.column_layers[j]),
        "part_id": part_id,
    }


def _insert_ignoring_known(session: Session, rows: list[dict[str, Any]]) -> None:
    dialect = session.get_bind().dialect.name
    builder = sqlite.insert if dialect == "sqlite" else postgresql.insert
    session.connection().execute(builder(Alignment).on_conflict_do_nothing(), rows)


def _advance(session: Session, target_id: int, unit: Unit) -> None:
    minimum = func.min if session.get_bind().dialect.name == "sqlite" else func.least
    session.execute(
        update(Slot)
        .where(
            Slot.target_id == target_id,
            Slot.slot.in_(unit.rows),
            Slot.done_through >= unit.start,
            Slot.done_through < minimum(Slot.slot, unit.stop),
        )
        .values(done_through=minimum(Slot.slot, unit.stop))
        .execution_options(synchronize_session=False)
    )
