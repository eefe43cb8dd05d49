"""Take slots out of the matrices for good: their pairs, and their rows of every layer grid."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from compute.grids import write_grid
from registry.store import Store
from registry.tables import Alignment, Part, Slot


@dataclass(frozen=True)
class RemovedPairs:
    """What was removed: pairs, and the addresses of the layer grids that were written anew without them."""

    pairs: int
    old_grids: list[str]


def remove_pairs(session: Session, store: Store, embedding_ids: Collection[int]) -> RemovedPairs:
    """Delete every slot of some embeddings with all its pairs, whether it is live or dead.

    A layer grid holds pairs of others too: it is written anew without the rows that must go. The old files
    stay until the transaction is committed; whoever called removes them then.
    """
    ids = list(embedding_ids)
    slots = list(session.scalars(select(Slot).where(Slot.embedding_id.in_(ids))))
    pairs, old = 0, []
    for target_id in sorted({slot.target_id for slot in slots}):
        gone = [slot.slot for slot in slots if slot.target_id == target_id]
        touched = (
            Alignment.target_id == target_id,
            or_(Alignment.row_slot.in_(gone), Alignment.column_slot.in_(gone)),
        )
        part_ids = list(session.scalars(select(Alignment.part_id).where(*touched).distinct()))
        deleted = session.scalars(delete(Alignment).where(*touched).returning(Alignment.direction))
        pairs += sum(direction == 0 for direction in deleted)
        for part in session.scalars(select(Part).where(Part.id.in_(part_ids)).order_by(Part.id)):
            old.append(part.uri)
            _rewrite(session, store, part, gone)
        session.execute(delete(Slot).where(Slot.target_id == target_id, Slot.slot.in_(gone)))
    return RemovedPairs(pairs, old)


def _rewrite(session: Session, store: Store, part: Part, gone: Collection[int]) -> None:
    table = pq.read_table(store.checked_path(part.uri, part.sha256))
    slots = pa.array(list(gone), pa.int32())
    leaves = pc.or_(
        pc.is_in(table["row_slot"], value_set=slots), pc.is_in(table["column_slot"], value_set=slots)
    )
    kept = table.filter(pc.invert(leaves))
    if kept.num_rows == 0:
        session.delete(part)
    else:
        stored = write_grid(store, kept)
        part.uri, part.sha256, part.row_count = stored.uri, stored.sha256, kept.num_rows
    session.flush()
