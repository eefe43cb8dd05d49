"""Whether the watermarks keep their promise: every pair that they count as done has its row."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, SQLColumnExpression, func, select, update
from sqlalchemy.orm import Session, aliased

from compute.plan import selected_targets
from compute.slots import slot_table
from compute.units import SlotTable, wanted_columns
from registry.findings import Finding, with_first
from registry.lock import Writer
from registry.tables import Alignment, Slot, Target

Pairs = Literal["all", "across"]


@dataclass(frozen=True)
class BrokenPromise:
    """A row of a target's matrix whose watermark promises pairs that are not there.

    Attributes:
        target: the target's name.
        target_id: its id.
        slot: the row.
        what: `scores` or `nulls`.
        promised: pairs that the watermark counts as done.
        found: those that have their row, or their null.
    """

    target: str
    target_id: int
    slot: int
    what: Literal["scores", "nulls"]
    promised: int
    found: int


def broken_promises(session: Session) -> Iterator[BrokenPromise]:
    """Yield every row of every target whose watermark promises more than there is."""
    for target in selected_targets(session, None):
        slots = slot_table(session, target, [])
        pairs = cast("Pairs", target.pairs)
        for what, through, statement in _promises(target, slots):
            found = {row.row_slot: row.pairs for row in session.execute(statement)}
            for slot, promised in _promised(slots, through, pairs):
                if found.get(slot, 0) < promised:
                    yield BrokenPromise(target.name, target.id, slot, what, promised, found.get(slot, 0))


def examine_watermarks(session: Session) -> Iterator[Finding]:
    """Yield whether the watermarks of all targets keep their promise."""
    broken = list(broken_promises(session))
    for target in sorted({one.target for one in broken}):
        rows = [one for one in broken if one.target == target]
        count = sum(one.promised - one.found for one in rows)
        described = [f"row {one.slot} has {one.found} of {one.promised} {one.what}" for one in rows]
        whole = with_first(f"target {target}: {count} pairs are promised and not there", described)
        yield Finding("fail", "watermarks", f"{whole}; set them back: cavewall verify --repair")
    if not broken:
        yield Finding("ok", "watermarks", "every pair that they promise is there")


def set_back(writer: Writer) -> int:
    """Set every broken watermark back to the beginning of its row, and return how many rows that was.

    The next run computes what is missing and leaves the rows that are there.
    """
    with writer.begin() as session:
        broken = list(broken_promises(session))
        for one in broken:
            row = (Slot.target_id == one.target_id) & (Slot.slot == one.slot)
            values = {"null_through": 0} if one.what == "nulls" else {"done_through": 0, "null_through": 0}
            session.execute(
                update(Slot).where(row).values(values).execution_options(synchronize_session=False)
            )
    return len({(one.target_id, one.slot) for one in broken})


def _promises(
    target: Target, slots: SlotTable
) -> Iterator[tuple[Literal["scores", "nulls"], NDArray[np.int64], Select[int, int]]]:
    row = aliased(Slot)
    yield "scores", slots.done_through, _rows_below(target, row, row.done_through)
    calibrated = _rows_below(target, row, row.null_through).where(Alignment.draws == target.draws)
    yield "nulls", slots.null_through, calibrated


def _promised(slots: SlotTable, through: NDArray[np.int64], pairs: Pairs) -> Iterator[tuple[int, int]]:
    """Yield each live row with how many pairs it promises."""
    everything = SlotTable(
        slots.embedding,
        slots.modality,
        slots.layers,
        slots.is_live,
        np.zeros_like(through),
        through,
        np.zeros_like(through),
    )
    for slot in np.flatnonzero(slots.is_live):
        columns = wanted_columns(everything, int(slot), 0, int(through[slot]), pairs)
        if len(columns):
            yield int(slot), len(columns)


def _rows_below(target: Target, row: type[Slot], watermark: SQLColumnExpression[int]) -> Select[int, int]:
    """Return the query that counts, for each row of the matrix, the pairs of live slots below a watermark."""
    column = aliased(Slot)
    return (
        select(Alignment.row_slot, func.count().label("pairs"))
        .join(row, (row.target_id == Alignment.target_id) & (row.slot == Alignment.row_slot))
        .join(column, (column.target_id == Alignment.target_id) & (column.slot == Alignment.column_slot))
        .where(
            Alignment.target_id == target.id,
            Alignment.direction == 0,
            row.is_live,
            column.is_live,
            Alignment.column_slot < watermark,
        )
        .group_by(Alignment.row_slot)
    )
