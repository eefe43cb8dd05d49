"""Checkpoints are chosen over what the registry holds now, and a question reaches nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from analysis.fresh import ask_fresh
from analysis.sandbox import Limits
from registry.errors import DatabaseError, UsageError
from registry.handle import Registry
from registry.tables import Checkpoint, Tag
from tests.analysis.tiny import TinyZoo


@pytest.fixture
def zoo(registry: Registry) -> Registry:
    tiny = TinyZoo(registry)
    tiny.add("a", "b")
    tiny.add("c", modality="language")
    with registry.write() as session:
        for row in session.scalars(select(Checkpoint).order_by(Checkpoint.id).limit(2)):
            session.add_all(Tag(checkpoint_id=row.id, tag=tag) for tag in ("z", "paper"))
    return registry


def ask(registry: Registry, sql: str, limits: Limits | None = None) -> list[tuple[object, ...]]:
    with registry.read() as session:
        table = ask_fresh(session, sql, limits=limits or Limits())
    return [tuple(row.values()) for row in table.to_pylist()]


def test_rows_are_there_without_a_snapshot(zoo: Registry) -> None:
    assert ask(zoo, "SELECT name FROM checkpoints ORDER BY checkpoint_id") == [("a",), ("b",), ("c",)]
    with zoo.write() as session:
        session.get_one(Checkpoint, 1).architecture = "new"
    assert ask(zoo, "FROM checkpoints SELECT name WHERE architecture = 'new'") == [("a",)]


def test_tags_are_a_sorted_list(zoo: Registry) -> None:
    rows = ask(zoo, "SELECT name, tags FROM checkpoints ORDER BY name")
    assert rows == [("a", ["paper", "z"]), ("b", ["paper", "z"]), ("c", [])]


def test_the_views_of_small_tables_can_be_joined(zoo: Registry) -> None:
    joined = "SELECT count(*) FROM Checkpoints JOIN embeddings USING (checkpoint_id)"
    assert ask(zoo, joined) == [(3,)]


def test_a_view_that_is_only_mentioned_changes_nothing(zoo: Registry) -> None:
    assert ask(zoo, "SELECT 'alignment' AS runs FROM checkpoints WHERE name = 'a'") == [("alignment",)]


@pytest.mark.parametrize("view", ["alignment", "alignment_both", "layer_alignment"])
def test_what_only_a_snapshot_holds_is_refused_and_never_empty(zoo: Registry, view: str) -> None:
    with pytest.raises(UsageError, match="which only a snapshot holds"):
        ask(zoo, f"SELECT 1 FROM {view}")


@pytest.mark.parametrize(
    ("sql", "sentence"),
    [
        ("SELECT nope FROM checkpoints", "nope"),
        ("SELECT 1; SELECT 2", "expected one statement, found 2"),
        ("DELETE FROM checkpoints", "DELETE is not allowed"),
        ("SELEC", "syntax error"),
        ("", "expected one statement, found 0"),
        ("SELECT * FROM stored_checkpoint", "stored_checkpoint"),
        ("SELECT * FROM read_text('/etc/hostname')", "disabled by configuration"),
        ("SELECT * FROM '/etc/hostname'", "hostname"),
        ("COPY (SELECT 1) TO '{folder}/x'", "COPY is not allowed"),
        ("ATTACH '{folder}/x.db'", "ATTACH is not allowed"),
    ],
)
def test_what_is_no_question_or_reaches_out_is_refused(
    zoo: Registry, tmp_path: Path, sql: str, sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        ask(zoo, sql.replace("{folder}", str(tmp_path)))
    assert not list(tmp_path.glob("x*"))


def test_a_long_question_is_stopped(zoo: Registry) -> None:
    with pytest.raises(DatabaseError, match=r"took longer than 0\.2 s"):
        ask(zoo, "SELECT count(*) FROM range(1000000000) a, range(1000) b", Limits(seconds=0.2))
