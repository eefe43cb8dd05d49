"""Snapshots: complete, consistent, cheap to make again, and readable without Cavewall."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update

from analysis.answers import ask
from analysis.manifests import FileEntry, newest_manifest, numbers, publish, read_manifest
from analysis.sandbox import open_sandbox
from analysis.snapshot import build_snapshot, find_snapshot, is_stale, keep_snapshot, list_snapshots
from analysis.views import VIEWS
from registry.clock import now
from registry.errors import ConflictError, LockBusy, NotFoundError, UsageError
from registry.handle import Registry
from registry.keys import sha256_of_file
from registry.lock import writer_lock
from registry.runs import recorded_run
from registry.tables import Alignment, Run, Snapshot, Target
from tests.analysis.tiny import TinyZoo


def rows(registry: Registry, sql: str) -> list[tuple[object, ...]]:
    return ask(registry, sql).relation.fetchall()


def alignment_files(registry: Registry) -> tuple[FileEntry, ...]:
    return find_snapshot(registry).tables["alignment"]


def test_alignment_holds_every_pair_of_live_embeddings_and_alignment_both_twice_that(
    registry: Registry,
) -> None:
    zoo = TinyZoo(registry)
    zoo.add("a", "b", "c")
    zoo.add("d", "e", modality="language")
    zoo.retire("b")
    build_snapshot(registry)
    assert rows(registry, "select target_id, count(*) from alignment group by 1") == [
        (zoo.target_id, 4 * 3 // 2)
    ]
    assert rows(registry, "select count(*) from alignment_both") == [(4 * 3,)]


def test_a_pair_beyond_its_watermark_is_not_in_the_snapshot(registry: Registry) -> None:
    zoo = TinyZoo(registry)
    zoo.add("a", "b")
    zoo.add("c", done=False)
    zoo.write_row_beyond_watermark(2, 1)
    build_snapshot(registry)
    assert rows(registry, "select count(*) from alignment") == [(1,)]
    assert rows(registry, "select pair_count, fresh_count from coverage") == [(3, 1)]


def test_a_row_that_was_finished_later_is_in_the_next_snapshot(registry: Registry) -> None:
    zoo = TinyZoo(registry)
    zoo.add("a", "b")
    zoo.add("c", done=False)
    build_snapshot(registry)
    zoo.finish(2)
    build_snapshot(registry)
    assert rows(registry, "select count(*) from alignment") == [(3,)]
    assert rows(registry, "select pair_count, fresh_count from coverage") == [(3, 3)]


def test_a_second_build_without_changes_makes_no_snapshot(registry: Registry) -> None:
    TinyZoo(registry).add("a", "b")
    first, second = build_snapshot(registry), build_snapshot(registry)
    assert (first.number, first.is_new) == (1, True)
    assert (second.number, second.is_new, second.written) == (1, False, 0)
    assert numbers(registry.store) == [1]
    assert [snapshot.number for snapshot in list_snapshots(registry)] == [1]


def test_an_empty_registry_gives_a_snapshot_whose_views_are_empty_and_typed(registry: Registry) -> None:
    build_snapshot(registry)
    for view in VIEWS:
        answer = ask(registry, f"from {view}")
        assert answer.table.num_rows == 0
        assert "null" not in {str(field.type) for field in answer.table.schema}


def test_the_manifest_lists_every_file_with_its_digest_and_its_rows(registry: Registry) -> None:
    TinyZoo(registry).add("a", "b", "c")
    built = build_snapshot(registry)
    files = [file for entries in find_snapshot(registry).tables.values() for file in entries]
    for file in files:
        path = registry.store.checked_path(file.uri, file.sha256)
        assert pq.read_metadata(path).num_rows == file.rows
        assert Path(file.uri).stem == file.sha256
    assert built.files == len(files)
    assert (built.rows["checkpoint"], built.rows["alignment"], built.rows["layer_grid"]) == (3, 3, 3 * 4)


def test_one_more_embedding_rewrites_only_the_last_block(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry)
    zoo.add(*(f"c{number}" for number in range(130)))
    build_snapshot(sqlite_registry)
    before = alignment_files(sqlite_registry)
    zoo.add("last")
    build_snapshot(sqlite_registry)
    after = alignment_files(sqlite_registry)
    assert [(file.block, file.rows) for file in before] == [(0, 128 * 127 // 2), (1, 128 + 129)]
    assert before[0] == after[0]
    assert (after[1].block, after[1].rows) == (1, 128 + 129 + 130)
    assert before[1].uri != after[1].uri


def test_a_block_whose_watermarks_stand_is_not_read_again(sqlite_registry: Registry) -> None:
    """Rows below a watermark never change; one that is changed here all the same would show a new reading."""
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b", "c")
    build_snapshot(sqlite_registry)
    before = alignment_files(sqlite_registry)
    with sqlite_registry.write() as session:
        session.execute(update(Alignment).values(score=0.5))
        session.execute(update(Run).values(host="there"))
    assert build_snapshot(sqlite_registry).is_new
    assert alignment_files(sqlite_registry) == before


def test_retiring_rewrites_no_block(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b", "c")
    build_snapshot(sqlite_registry)
    before = alignment_files(sqlite_registry)
    zoo.retire("a")
    build_snapshot(sqlite_registry)
    assert alignment_files(sqlite_registry) == before
    assert rows(sqlite_registry, "select count(*) from alignment") == [(1,)]


def test_a_null_that_is_done_or_due_again_rewrites_its_block(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b")
    build_snapshot(sqlite_registry)
    question = "select p, draws, status from alignment"
    with sqlite_registry.write() as session:
        session.execute(update(Target).values(draws=19))
    zoo.calibrate({(1, 0): 0.05}, draws=19)
    build_snapshot(sqlite_registry)
    assert rows(sqlite_registry, question) == [(0.05, 19, "calibrated")]
    with sqlite_registry.write() as session:
        session.execute(update(Target).values(draws=39))
    zoo.calibrate({(1, 0): 0.025}, draws=39)  # no snapshot in between: the watermarks are as they were
    build_snapshot(sqlite_registry)
    assert rows(sqlite_registry, question) == [(0.025, 39, "calibrated")]


def test_a_block_whose_file_is_lost_is_written_again(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b")
    build_snapshot(sqlite_registry)
    lost = sqlite_registry.store.path(alignment_files(sqlite_registry)[0].uri)
    digest = sha256_of_file(lost)
    lost.unlink()
    build_snapshot(sqlite_registry)
    assert sha256_of_file(lost) == digest


def test_views_sql_in_a_bare_duckdb_gives_the_same_rows(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = TinyZoo(registry)
    zoo.add("a", "b")
    zoo.add("c", modality="language")
    zoo.calibrate({(1, 0): 0.05, (2, 0): 0.5})
    zoo.annotate()
    build_snapshot(registry)
    monkeypatch.chdir(registry.store.root)
    text = Path("manifests/000001.views.sql").read_text()
    with duckdb.connect() as bare, open_sandbox(registry.store, find_snapshot(registry)) as sandbox:
        bare.execute("SET TimeZone = 'UTC'")
        bare.execute(text)
        for view in VIEWS:
            question = f"select * from {view} order by all"
            expected = sandbox.run(question)
            assert bare.sql(question).to_arrow_table().equals(expected), view
            assert (expected.num_rows > 0) == (view != "changes"), "nothing is recorded as a change yet"


def test_views_sql_gives_a_bare_duckdb_the_query_functions(
    sqlite_registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b", "c")
    zoo.calibrate({(1, 0): 0.05, (2, 0): 0.02, (2, 1): 0.9})
    build_snapshot(sqlite_registry)
    monkeypatch.chdir(sqlite_registry.store.root)
    question = (
        "select p from alignment where p <= bh_threshold((select list(p) from alignment), 0.08) order by p"
    )
    with duckdb.connect() as bare:
        bare.execute(Path("manifests/000001.views.sql").read_text())
        assert bare.sql(question).fetchall() == [(0.02,), (0.05,)]
        assert bare.sql(question.replace("bh_", "by_")).fetchall() == []
    assert rows(sqlite_registry, question) == [(0.02,), (0.05,)]


def test_views_sql_runs_from_elsewhere_once_the_search_path_is_set(
    sqlite_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    TinyZoo(sqlite_registry).add("a", "b")
    build_snapshot(sqlite_registry)
    monkeypatch.chdir(tmp_path)
    with duckdb.connect() as bare:
        bare.execute(f"SET file_search_path = '{sqlite_registry.store.root}'")
        bare.execute((sqlite_registry.store.root / "manifests/000001.views.sql").read_text())
        assert bare.sql("select count(*) from alignment").fetchall() == [(1,)]


def test_a_manifest_is_never_overwritten(sqlite_registry: Registry) -> None:
    TinyZoo(sqlite_registry).add("a")
    build_snapshot(sqlite_registry)
    manifest = find_snapshot(sqlite_registry)
    folder = sqlite_registry.store.root / "manifests"
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(ConflictError, match="snapshot 1 was made by somebody else"):
        publish(sqlite_registry.store, manifest, "-- other")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    (folder / "000001.views.sql").unlink()
    with pytest.raises(ConflictError, match="snapshot 1 was made by somebody else"):
        publish(sqlite_registry.store, replace(manifest, state="other"), "-- other")
    assert (folder / "000001.json").read_bytes() == before["000001.json"]


def test_what_a_killed_attempt_left_does_not_stop_the_next(sqlite_registry: Registry) -> None:
    TinyZoo(sqlite_registry).add("a")
    left = sqlite_registry.store.path("manifests/000001.views.sql")
    left.parent.mkdir()
    left.write_text("-- half")
    assert build_snapshot(sqlite_registry).number == 1
    assert "CREATE VIEW alignment" in left.read_text()


def test_a_manifest_that_was_cut_off_is_passed_over(sqlite_registry: Registry) -> None:
    TinyZoo(sqlite_registry).add("a", "b")
    build_snapshot(sqlite_registry)
    whole = sqlite_registry.store.path("manifests/000001.json").read_bytes()
    sqlite_registry.store.path("manifests/000002.json").write_bytes(whole[: len(whole) // 2])
    newest = newest_manifest(sqlite_registry.store)
    assert newest is not None
    assert newest.number == 1
    with sqlite_registry.write() as session:
        session.execute(update(Run).values(host="there"))
    assert build_snapshot(sqlite_registry).number == 3


def test_a_manifest_without_its_row_gets_one(sqlite_registry: Registry) -> None:
    TinyZoo(sqlite_registry).add("a")
    build_snapshot(sqlite_registry)
    with sqlite_registry.write() as session:
        session.delete(session.get_one(Snapshot, 1))
    assert build_snapshot(sqlite_registry).number == 1
    assert [snapshot.number for snapshot in list_snapshots(sqlite_registry)] == [1]


def test_a_snapshot_waits_for_no_other_run(sqlite_registry: Registry) -> None:
    with writer_lock(sqlite_registry, "align"), pytest.raises(LockBusy):
        build_snapshot(sqlite_registry)
    assert numbers(sqlite_registry.store) == []


def test_old_snapshots_go_and_kept_ones_stay(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry)
    for number in range(9):
        zoo.add(f"c{number}")
        build_snapshot(sqlite_registry)
    keep_snapshot(sqlite_registry, 1, "paper-v1")
    with sqlite_registry.write() as session:
        session.execute(update(Snapshot).values(created_at=now() - timedelta(days=2)))
    files = [file for entries in read_manifest(sqlite_registry.store, 2).tables.values() for file in entries]
    zoo.add("one more")
    built = build_snapshot(sqlite_registry)
    assert built.removed == (2, 3)
    assert numbers(sqlite_registry.store) == [10, 9, 8, 7, 6, 5, 4, 1]
    assert not sqlite_registry.store.path("manifests/000002.views.sql").exists()
    assert all(sqlite_registry.store.path(file.uri).is_file() for file in files)
    assert find_snapshot(sqlite_registry, "paper-v1").number == 1
    assert ask(
        sqlite_registry, "select count(*) from checkpoints", snapshot="paper-v1"
    ).relation.fetchall() == [(1,)]


def test_a_name_belongs_to_one_snapshot(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry)
    for name in ("a", "b"):
        zoo.add(name)
        build_snapshot(sqlite_registry)
    keep_snapshot(sqlite_registry, 1, "paper")
    keep_snapshot(sqlite_registry, 1, "paper")
    with pytest.raises(ConflictError, match="snapshot 1 is already kept as 'paper'"):
        keep_snapshot(sqlite_registry, 2, "paper")
    with pytest.raises(ConflictError, match="snapshot 1 is already kept as 'paper'"):
        keep_snapshot(sqlite_registry, 1, "other")
    with pytest.raises(UsageError):
        keep_snapshot(sqlite_registry, 2, "61")
    with pytest.raises(NotFoundError):
        keep_snapshot(sqlite_registry, 7, "seven")
    with pytest.raises(NotFoundError, match="kept as 'nothing'"):
        find_snapshot(sqlite_registry, "nothing")


def test_without_a_snapshot_the_way_out_is_named(sqlite_registry: Registry) -> None:
    with pytest.raises(NotFoundError) as caught:
        ask(sqlite_registry, "from alignment")
    assert "cavewall snapshot build" in caught.value.hint


def test_a_snapshot_is_stale_once_the_registry_has_moved_on(registry: Registry) -> None:
    zoo = TinyZoo(registry)
    zoo.add("a", "b")
    build_snapshot(registry)
    assert not is_stale(registry, find_snapshot(registry))
    with recorded_run(registry, "extract"):
        pass
    assert not ask(registry, "from alignment").is_stale, "a run that changed nothing"
    zoo.retire("a")
    assert ask(registry, "from alignment").is_stale
    build_snapshot(registry)
    assert not ask(registry, "from alignment").is_stale
    zoo.add("c", done=False)
    assert ask(registry, "from alignment").is_stale
