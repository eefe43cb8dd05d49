"""Rows that are made on first use."""

from __future__ import annotations

from threading import Barrier, Thread

from sqlalchemy import select

from ingest.rows import get_or_add
from registry.handle import Registry
from registry.tables import Family


def test_sessions_that_race_for_a_row_get_the_same_one(registry: Registry) -> None:
    barrier = Barrier(4)
    found: list[int] = []

    def run() -> None:
        barrier.wait()
        with registry.write() as session:
            row = get_or_add(session, Family, Family.name == "pythia", lambda: Family(name="pythia"))
            found.append(row.id)

    threads = [Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with registry.read() as session:
        assert found == [session.scalars(select(Family.id)).one()] * 4
