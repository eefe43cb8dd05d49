"""The alignment in blocks of 128 row slots per target: only those that have grown are written again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.arrow_types import arrow_schema, arrow_table
from analysis.exports import ALIGNMENT, write_empty, write_parquet
from analysis.manifests import FileEntry, Manifest
from registry.keys import content_key
from registry.store import Store
from registry.tables import Alignment, Slot, Table, Target

BLOCK_SLOTS = 128
ROWS_AT_ONCE = 50_000


@dataclass(frozen=True)
class Watermark:
    """How far one row of a target's matrix is done, its null with how many draws, and whose row it is."""

    target_id: int
    target_key: str
    draws: int
    slot: int
    embedding_id: int
    done_through: int
    null_through: int


def write_alignment(session: Session, store: Store, previous: Manifest | None) -> tuple[FileEntry, ...]:
    """Return an entry for every block, writing those whose signature is not the previous snapshot's."""
    known = _blocks_of(previous)
    entries = []
    for target_id, block, marks in in_blocks(watermarks(session)):
        signature = block_signature(marks)
        entry = known.get((target_id, block))
        if entry is None or entry.signature != signature or not store.path(entry.uri).is_file():
            written = write_parquet(store, ALIGNMENT, _schema(), _rows(session, target_id, block))
            entry = FileEntry(written.uri, written.sha256, written.rows, target_id, block, signature)
        entries.append(entry)
    return tuple(entries) or (write_empty(store, ALIGNMENT),)


def watermarks(session: Session) -> list[Watermark]:
    """Return every slot of every target, in order."""
    statement = (
        select(
            Slot.target_id,
            Target.content_key,
            Target.draws,
            Slot.slot,
            Slot.embedding_id,
            Slot.done_through,
            Slot.null_through,
        )
        .join(Target, Target.id == Slot.target_id)
        .order_by(Slot.target_id, Slot.slot)
    )
    return [Watermark(*row) for row in session.execute(statement)]


def in_blocks(marks: Iterable[Watermark]) -> Iterator[tuple[int, int, list[Watermark]]]:
    """Yield (target, block, its slots) of watermarks in order."""
    for (target_id, block), group in groupby(
        marks, key=lambda mark: (mark.target_id, mark.slot // BLOCK_SLOTS)
    ):
        yield target_id, block, list(group)


def block_signature(marks: Sequence[Watermark]) -> str:
    """Return a digest of all that the rows of a block follow from.

    Whose slots they are belongs to it (a database restored from a backup may have given them to others), and
    so do the columns of the file. Whether a slot is live does not: views join live slots.
    """
    columns = [[field.name, str(field.type)] for field in _schema()]
    slots = [[mark.slot, mark.embedding_id, mark.done_through, mark.null_through] for mark in marks]
    target = [marks[0].target_key, marks[0].draws]  # draws stand outside the key, and decide every null
    return content_key("block", {"target": target, "slots": slots, "columns": columns})


def _rows(session: Session, target_id: int, block: int) -> Iterator[pa.Table]:
    """Yield the promised rows of a block: a pair beyond its row's watermark is not there yet."""
    table = Table.metadata.tables[ALIGNMENT]
    first = block * BLOCK_SLOTS
    statement = (
        select(table)
        .join(Slot, (Slot.target_id == Alignment.target_id) & (Slot.slot == Alignment.row_slot))
        .where(
            Alignment.target_id == target_id,
            Alignment.row_slot >= first,
            Alignment.row_slot < first + BLOCK_SLOTS,
            Alignment.column_slot < Slot.done_through,
        )
        .order_by(Alignment.row_slot, Alignment.column_slot, Alignment.direction)
        .execution_options(yield_per=ROWS_AT_ONCE)
    )
    for rows in session.execute(statement).partitions():
        yield arrow_table(table, rows)


def _schema() -> pa.Schema:
    return arrow_schema(Table.metadata.tables[ALIGNMENT])


def _blocks_of(manifest: Manifest | None) -> Mapping[tuple[int | None, int | None], FileEntry]:
    if manifest is None:
        return {}
    return {(entry.target_id, entry.block): entry for entry in manifest.tables.get(ALIGNMENT, ())}
