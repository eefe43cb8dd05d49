"""Snapshots while others read and write: no error, no half of a step."""

from __future__ import annotations

import threading

from sqlalchemy import func, select

from analysis.answers import ask
from analysis.manifests import numbers
from analysis.snapshot import build_snapshot
from registry.handle import Registry
from registry.tables import Snapshot
from tests.analysis.tiny import TinyZoo


def rows(registry: Registry, sql: str) -> list[tuple[object, ...]]:
    return ask(registry, sql).relation.fetchall()


def test_a_reader_during_twenty_snapshots_meets_no_error_and_no_mixed_state(registry: Registry) -> None:
    zoo = TinyZoo(registry)
    zoo.add("first", "second")
    build_snapshot(registry)
    done = threading.Event()
    seen: list[tuple[int, int, int, int]] = []
    errors: list[BaseException] = []
    question = """
        select (select count(*) from embeddings), (select count(*) from alignment),
               (select count(*) from layer_alignment)
    """

    def read() -> None:
        while not done.is_set():
            try:
                answer = ask(registry, question)
                seen.append((answer.snapshot, *answer.relation.fetchall()[0]))
            except BaseException as error:
                errors.append(error)

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20):
        zoo.add(f"c{number}")
        build_snapshot(registry)
    done.set()
    reader.join()
    assert errors == []
    mixed = [
        (n, pairs, layers) for _, n, pairs, layers in seen if (2 * pairs, layers) != (n * (n - 1), 4 * pairs)
    ]
    assert mixed == []
    order = [number for number, *_ in seen]
    assert order == sorted(order)
    assert len(set(order)) > 5, "the reader saw snapshots come"


def test_all_tables_of_a_snapshot_come_from_one_state(registry: Registry) -> None:
    """A writer that adds whole steps while snapshots are made never shows half a step."""
    zoo = TinyZoo(registry)
    zoo.add("first")
    done = threading.Event()

    def write() -> None:
        number = 0
        while not done.wait(0.02):  # without a pause, others starve on SQLite
            zoo.add(f"c{number}")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    counted = []
    try:
        for _ in range(8):
            build_snapshot(registry)
            counted += rows(registry, STEPS)
    finally:
        done.set()
        writer.join()
    assert [counts for counts in counted if len(set(counts)) != 1] == []
    assert len({counts[0] for counts in counted}) > 3, "the writer wrote between the snapshots"
    with registry.read() as session:
        assert session.scalar(select(func.count()).select_from(Snapshot)) == len(numbers(registry.store))


# Every step adds one row to each of these tables, except that the first has no pair and so no part.
STEPS = """
    select (select count(*) from stored_checkpoint), (select count(*) from stored_embedding),
           (select count(*) from stored_name), (select count(*) from stored_slot),
           (select count(*) + 1 from stored_part),
           (select count(distinct row_slot) + 1 from stored_alignment),
           (select count(distinct row_slot) + 1 from stored_layer_grid)
"""
