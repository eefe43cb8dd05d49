"""The view of scores: what a retired import brought is current no more, unless another import says it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from analysis.answers import ask
from analysis.snapshot import build_snapshot
from registry.handle import Registry
from registry.tables import ImportBatch, ImportedScore, Score
from tests.analysis.test_views_of_scores import plant_claims
from tests.analysis.tiny import TinyZoo
from tests.analysis.tiny_rows import MOMENT, key


def planted(registry: Registry) -> TinyZoo:
    """Return a zoo with two claims from two imports, and one that both imports brought."""
    zoo = TinyZoo(registry)
    zoo.add("a", "b")
    zoo.add("c", modality="language")
    plant_claims(
        zoo,
        ("first", "high", None, 2026, 1.5),
        ("second", "high", None, 2025, 1.25),
        ("own", "low", None, 2026, 1.0),
    )
    with registry.write() as session:
        ids = {row.value: row.id for row in session.execute(select(Score.value, Score.id))}
        batches = [
            ImportBatch(
                content_key=key("import", name), kind="scores", format="long", path=name,
                sha256=key("file", name), counts={}, imported_at=MOMENT,
            )
            for name in ("one.csv", "two.csv")
        ]  # fmt: skip
        session.add_all(batches)
        session.flush()
        links = [(1.5, 0), (1.5, 1), (1.25, 1)]
        session.add_all(
            ImportedScore(score_id=ids[value], batch_id=batches[place].id) for value, place in links
        )
    return zoo


def retire(
    registry: Registry, path: str, moment: datetime | None = MOMENT, reason: str | None = "wrong"
) -> None:
    with registry.write() as session:
        session.execute(
            update(ImportBatch)
            .where(ImportBatch.path == path)
            .values(retired_at=moment, retired_reason=reason)
        )
    build_snapshot(registry)


def shown(registry: Registry) -> list[tuple[float, str, bool]]:
    rows = ask(registry, "SELECT value, status, is_current FROM scores ORDER BY value").table.to_pylist()
    return [(row["value"], row["status"], row["is_current"]) for row in rows]


def test_a_score_is_current_until_every_import_that_brought_it_is_retired(sqlite_registry: Registry) -> None:
    planted(sqlite_registry)
    build_snapshot(sqlite_registry)
    valid = [(1.0, "valid", False), (1.25, "valid", False), (1.5, "valid", True)]
    assert shown(sqlite_registry) == valid
    retire(sqlite_registry, "one.csv")
    assert shown(sqlite_registry) == valid
    retire(sqlite_registry, "two.csv")
    gone = "retired: wrong"
    assert shown(sqlite_registry) == [(1.0, "valid", True), (1.25, gone, False), (1.5, gone, False)]
    retire(sqlite_registry, "one.csv", None, None)
    assert shown(sqlite_registry) == [(1.0, "valid", False), (1.25, gone, False), (1.5, "valid", True)]
