"""Write a unit: its rows, its part and the watermarks, in one transaction, whatever the order of arrival."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, bindparam, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from compute.grids import ScoredUnit
from compute.units import Unit
from registry.clock import now
from registry.store import StoredFile
from registry.tables import Alignment, Part, Slot, Table


@dataclass(frozen=True)
class Known:
    """The pairs of a unit's block that have a row, and those of them that have their interval too."""

    written: set[tuple[int, int]]
    complete: set[tuple[int, int]]


def existing_pairs(session: Session, target_id: int, unit: Unit, *, has_interval: bool = True) -> Known:
    """Return the pairs of a unit's block that are there already, beyond what the watermarks promise.

    Both directions of a metric that is not symmetric are written together: the first stands for both.

    Args:
        session: to read from.
        target_id: whose matrix.
        unit: the block.
        has_interval: whether the metric's scores have one, and lack something without it.
    """
    statement = select(Alignment.row_slot, Alignment.column_slot, Alignment.score_se).where(
        *in_block(target_id, unit), Alignment.direction == 0
    )
    rows = session.execute(statement).all()
    return Known(
        written={(row, column) for row, column, _ in rows},
        complete={(row, column) for row, column, error in rows if error is not None or not has_interval},
    )


def commit_unit(
    session: Session,
    target_id: int,
    unit: Unit,
    scored: ScoredUnit | None,
    *,
    part: StoredFile | None,
    run_id: int,
) -> int:
    """Write the pairs of a unit whose slots are live, advance the watermarks, and return how many are new.

    A watermark moves only over the contiguous prefix: a unit that arrives before the one to its left writes
    its rows and leaves the watermark where it is. Rows that are there already stay as they are, and get their
    interval where they have none.

    Args:
        session: inside the transaction that holds the lock.
        target_id: whose matrix.
        unit: the block.
        scored: its entries; None where nothing of the block was missing.
        part: the stored layer grid of the new pairs; None where there are none.
        run_id: who computed it.
    """
    written = 0
    if scored is not None:
        pairs = live_pairs(session, target_id, scored.rows, scored.columns, scored.wanted)
        new = [(i, j) for i, j in pairs if scored.is_new[i, j]]
        if new and part is not None:
            part_id = _insert_part(session, target_id, part, scored.layer_pair_count, run_id)
            rows = [
                _row(target_id, scored, direction, i, j, part_id)
                for i, j in new
                for direction in range(len(scored.best))
            ]
            _insert_ignoring_known(session, rows)
            written = len(new)
        set_columns(
            session,
            target_id,
            [
                (int(scored.rows[i]), int(scored.columns[j]), direction, _interval(scored, direction, i, j))
                for i, j in pairs
                if not scored.is_new[i, j]
                for direction in range(len(scored.best))
            ],
        )
    _advance(session, target_id, unit)
    return written


def live_pairs(
    session: Session,
    target_id: int,
    rows: Sequence[int],
    columns: Sequence[int],
    wanted: NDArray[np.bool_],
) -> list[tuple[int, int]]:
    """Return the wanted positions of a block whose two slots are live at this moment."""
    live = _live_slots(session, target_id, [*rows, *columns])
    return [
        (int(i), int(j))
        for i, j in zip(*np.nonzero(wanted), strict=True)
        if rows[i] in live and columns[j] in live
    ]


def set_columns(
    session: Session, target_id: int, values: Sequence[tuple[int, int, int, Mapping[str, Any]]]
) -> None:
    """Set columns of pairs that have a row: (row slot, column slot, direction, values by column)."""
    if not values:
        return
    table = Table.metadata.tables[Alignment.__tablename__]
    statement = (
        update(table)
        .where(
            table.c.target_id == target_id,
            table.c.row_slot == bindparam("at_row"),
            table.c.column_slot == bindparam("at_column"),
            table.c.direction == bindparam("at_direction"),
        )
        .values({name: bindparam(f"new_{name}") for name in values[0][3]})
    )
    session.connection().execute(
        statement,
        [
            {
                "at_row": row,
                "at_column": column,
                "at_direction": direction,
                **{f"new_{name}": value for name, value in new.items()},
            }
            for row, column, direction, new in values
        ],
    )


def in_block(target_id: int, unit: Unit) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions that pick a unit's block out of the alignment."""
    return (
        Alignment.target_id == target_id,
        Alignment.row_slot.in_(unit.rows),
        Alignment.column_slot >= unit.start,
        Alignment.column_slot < unit.stop,
    )


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


def _row(target_id: int, scored: ScoredUnit, direction: int, i: int, j: int, part_id: int) -> dict[str, Any]:
    best = scored.best[direction]
    return {
        "target_id": target_id,
        "row_slot": int(scored.rows[i]),
        "column_slot": int(scored.columns[j]),
        "direction": direction,
        "score": scored.score(direction, i, j),
        "row_layer": int(best.row_layer[i, j]),
        "column_layer": int(best.column_layer[i, j]),
        "layer_pairs": int(scored.layer_pairs[i, j]),
        "part_id": part_id,
        "chance": _known(scored.chance[direction, i, j]),
        **_interval(scored, direction, i, j),
    }


def _interval(scored: ScoredUnit, direction: int, i: int, j: int) -> dict[str, float | None]:
    return {
        "score_se": _known(scored.score_se[direction, i, j]),
        "score_crossfit": _known(scored.crossfit[i, j]),
    }


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)


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
