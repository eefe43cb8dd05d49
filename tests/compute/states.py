"""What a registry says about alignment, without runs, times and surrogate ids."""

from __future__ import annotations

import pyarrow.parquet as pq
from sqlalchemy import select

from registry.handle import Registry
from registry.tables import Alignment, Embedding, Part, Slot


def scores(registry: Registry) -> dict[tuple[str, str], tuple[float, int, int, int]]:
    """Every row between live slots: (left, right) content keys -> score, layers, number of layer pairs."""
    with registry.read() as session:
        key = {
            (slot.target_id, slot.slot): embedding.content_key
            for slot, embedding in session.execute(
                select(Slot, Embedding).join(Embedding, Embedding.id == Slot.embedding_id).where(Slot.is_live)
            )
        }
        return {
            (key[row.target_id, row.column_slot], key[row.target_id, row.row_slot]): (
                row.score,
                row.column_layer,
                row.row_layer,
                row.layer_pairs,
            )
            for row in session.scalars(select(Alignment))
            if {(row.target_id, row.column_slot), (row.target_id, row.row_slot)} <= set(key)
        }


def nulls(registry: Registry) -> dict[tuple[str, str], tuple[float | None, ...]]:
    """The interval and the null of every row between live slots, sides in order of their content keys."""
    columns = ("score_se", "score_crossfit", "null_mean", "null_sd", "tau", "p", "calibrated", "draws")
    with registry.read() as session:
        key = {
            (slot.target_id, slot.slot): embedding.content_key
            for slot, embedding in session.execute(
                select(Slot, Embedding).join(Embedding, Embedding.id == Slot.embedding_id).where(Slot.is_live)
            )
        }
        rows = [
            (key.get((row.target_id, row.column_slot)), key.get((row.target_id, row.row_slot)), row)
            for row in session.scalars(select(Alignment))
        ]
    return {
        (min(left, right), max(left, right)): tuple(getattr(row, name) for name in columns)
        for left, right, row in rows
        if left is not None and right is not None
    }


def grid(registry: Registry) -> list[tuple[int, ...]]:
    """Every row of every layer grid whose part has rows in the table, in order."""
    with registry.read() as session:
        used = session.scalars(select(Part).where(Part.id.in_(select(Alignment.part_id)))).all()
        paths = [registry.store.checked_path(part.uri, part.sha256) for part in used]
    rows = [tuple(row.values()) for path in paths for row in pq.read_table(path).to_pylist()]
    return sorted(rows)


def watermarks(registry: Registry) -> list[tuple[int, int, bool, int, int]]:
    with registry.read() as session:
        return [
            (row.target_id, row.slot, row.is_live, row.done_through, row.null_through)
            for row in session.scalars(select(Slot).order_by(Slot.target_id, Slot.slot))
        ]
