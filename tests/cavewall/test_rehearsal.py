from __future__ import annotations

import pytest
from sqlalchemy import func, select

from cavewall.rehearsal import rehearsal
from registry.errors import StoreError
from registry.handle import Registry
from registry.tables import Family


def families(registry: Registry) -> int:
    with registry.read() as session:
        return session.scalar(select(func.count()).select_from(Family)) or 0


def add(registry: Registry, name: str) -> None:
    with registry.write() as session:
        session.add(Family(name=name))


def test_rehearsal_sees_its_own_rows_and_leaves_none(registry: Registry) -> None:
    add(registry, "before")
    with rehearsal(registry, is_dry=True) as stage:
        add(stage, "first")
        add(stage, "second")
        assert families(stage) == 3
    assert families(registry) == 1


def test_error_inside_a_rehearsed_transaction_undoes_just_that(registry: Registry) -> None:
    class Trouble(Exception):
        pass

    with rehearsal(registry, is_dry=True) as stage:
        add(stage, "first")
        try:
            with stage.write() as session:
                session.add(Family(name="second"))
                session.flush()
                raise Trouble
        except Trouble:
            pass
        assert families(stage) == 1
    assert families(registry) == 0


def test_files_of_a_rehearsal_are_thrown_away(sqlite_registry: Registry) -> None:
    with rehearsal(sqlite_registry, is_dry=True) as stage:
        stored = stage.store.write("datasets", ".txt", lambda path: path.write_text("x") and None)
        assert stage.store.path(stored.uri).is_file()
        kept = stage.store.path(stored.uri)
    assert not kept.exists()
    assert [path for path in sqlite_registry.store.root.rglob("*") if path.is_file()] == []


def test_what_is_not_dry_is_the_registry_itself(sqlite_registry: Registry) -> None:
    with rehearsal(sqlite_registry, is_dry=False) as stage:
        assert stage is sqlite_registry


def test_rehearsal_reads_the_files_of_the_zoo_and_adds_none(sqlite_registry: Registry) -> None:
    there = sqlite_registry.store.write("kind", ".txt", lambda path: path.write_text("there") and None)
    with rehearsal(sqlite_registry, is_dry=True) as stage:
        own = stage.store.write("kind", ".txt", lambda path: path.write_text("own") and None)
        assert stage.store.checked_path(there.uri, there.sha256).read_text() == "there"
        assert stage.store.checked_path(own.uri, own.sha256).read_text() == "own"
        with pytest.raises(StoreError, match="is missing in the store"):
            stage.store.checked_path("kind/none.txt", "0" * 64)
    assert not sqlite_registry.store.path(own.uri).exists()
