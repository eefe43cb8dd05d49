"""Many rows at once, on both databases: scores, their links to a batch, and rows that were refused."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from ingest.benchmarks import benchmark_name
from ingest.score_files.claims import RefusedRow
from registry.lookup import current_names
from registry.score_listings import IS_LIVE
from registry.tables import Benchmark, ImportedScore, ImportReject, Score

_CHUNK = 500


def add_scores(session: Session, rows: Sequence[Mapping[str, Any]]) -> tuple[list[int], int]:
    """Add the scores that are not there yet, and return the ids of all and how many were added."""
    keys = [row["content_key"] for row in rows]
    before = _ids(session, keys)
    _insert_missing(session, Score.__table__, [row for row in rows if row["content_key"] not in before])
    after = _ids(session, keys)
    return sorted(after.values()), len(after) - len(before)


def add_links(session: Session, batch_id: int, score_ids: Iterable[int]) -> None:
    """Say with which batch some scores came; what is said already stays."""
    known = set(session.scalars(select(ImportedScore.score_id).where(ImportedScore.batch_id == batch_id)))
    rows = [{"score_id": one, "batch_id": batch_id} for one in score_ids if one not in known]
    _insert_missing(session, ImportedScore.__table__, rows)


def add_rejects(session: Session, batch_id: int, refused: Iterable[RefusedRow]) -> None:
    """Keep the rows of a batch that were refused, each once."""
    table = ImportReject
    known = {
        RefusedRow(row.line, row.content, row.reason)
        for row in session.execute(
            select(table.line, table.content, table.reason).where(table.batch_id == batch_id)
        )
    }
    new = [row for row in dict.fromkeys(refused) if row not in known]
    if new:
        session.execute(
            insert(ImportReject),
            [
                {"batch_id": batch_id, "line": row.line, "content": row.content, "reason": row.reason}
                for row in new
            ],
        )


def conflicts_of(
    session: Session, rows: Sequence[Mapping[str, Any]], benchmarks: Mapping[int, Benchmark]
) -> list[str]:
    """Return a line for every claim that has another value than a live one about the same thing."""
    names: dict[int, str] = {}
    lines = []
    others = _live_values(session, {row["checkpoint_id"] for row in rows}, benchmarks)
    for row in rows:
        different = [value for value in others.get(_subject(row), ()) if value != row["value"]]
        if not different:
            continue
        names = names or {one: name for name, one in current_names(session).items()}
        what = benchmark_name(benchmarks[row["benchmark_id"]])
        who = names.get(row["checkpoint_id"], row["details"]["name"])
        lines.append(f"{who} {what}: {row['value']:g} here, {different[0]:g} before")
    return lines


def _subject(row: Mapping[str, Any]) -> tuple[object, ...]:
    return (row["checkpoint_id"], row["benchmark_id"], row["protocol"], row["shots"], row["split"])


def _live_values(
    session: Session, checkpoint_ids: Iterable[int], benchmarks: Mapping[int, Benchmark]
) -> dict[tuple[object, ...], list[float]]:
    found: dict[tuple[object, ...], list[float]] = {}
    wanted = sorted(checkpoint_ids)
    columns = (
        Score.checkpoint_id, Score.benchmark_id, Score.protocol, Score.shots, Score.split, Score.value,
    )  # fmt: skip
    for start in range(0, len(wanted), _CHUNK):
        statement = select(*columns).where(
            Score.checkpoint_id.in_(wanted[start : start + _CHUNK]),
            Score.benchmark_id.in_(list(benchmarks)),
            IS_LIVE,
        )
        for row in session.execute(statement):
            found.setdefault(tuple(row[:5]), []).append(row.value)
    return found


def _ids(session: Session, keys: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for start in range(0, len(keys), _CHUNK):
        piece = keys[start : start + _CHUNK]
        rows = session.execute(select(Score.content_key, Score.id).where(Score.content_key.in_(piece)))
        found |= {row.content_key: row.id for row in rows}
    return found


def _insert_missing(session: Session, table: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; one that another session has inserted meanwhile is left as it is."""
    if not rows:
        return
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    statement = (sqlite_insert if is_sqlite else postgresql_insert)(table).on_conflict_do_nothing()
    session.execute(statement, [dict(row) for row in rows])
