from __future__ import annotations

import os
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from registry.clock import now
from registry.database import make_engine
from registry.errors import Interrupted, LockBusy, LockLost
from registry.handle import Registry
from registry.lock import LOCK_KEY, bare_lock, is_lock_free, lock_holder, stop_if_cancelled, writer_lock
from registry.runs import record_failure, recorded_run
from registry.tables import Failure, Family, Run


def runs(registry: Registry) -> list[tuple[str, str]]:
    with registry.read() as session:
        return [(run.kind, run.status) for run in session.scalars(select(Run).order_by(Run.id))]


def test_a_run_is_recorded_from_beginning_to_end(registry: Registry) -> None:
    with writer_lock(registry, "align run") as writer:
        assert runs(registry) == [("align run", "running")]
        writer.counts["pairs"] = 3
    with registry.read() as session:
        run = session.scalars(select(Run)).one()
    assert (run.status, run.counts) == ("done", {"pairs": 3})
    assert run.started_at <= (run.ended_at or now())


def test_the_lock_is_held_once_and_free_again(registry: Registry) -> None:
    with writer_lock(registry, "first"):
        with pytest.raises(LockBusy) as caught, writer_lock(registry, "second"):
            pass
        assert "(first)" in caught.value.message
    with writer_lock(registry, "third"):
        pass
    assert runs(registry) == [("first", "done"), ("third", "done")]


def test_what_a_failing_run_wrote_in_its_transaction_is_rolled_back(registry: Registry) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        writer_lock(registry, "align run") as writer,
        writer.begin() as session,
    ):
        session.add(Family(name="half written"))
        session.flush()
        raise ZeroDivisionError
    with registry.read() as session:
        assert session.scalars(select(Family)).all() == []
    assert runs(registry) == [("align run", "failed")]


def test_the_next_holder_marks_the_runs_that_never_ended(registry: Registry) -> None:
    with registry.write() as session:
        for kind, holds_lock in (("align run", True), ("embed extract", False)):
            session.add(
                Run(
                    kind=kind,
                    status="running",
                    holds_lock=holds_lock,
                    host="h",
                    pid=1,
                    device="cpu",
                    code_version="0",
                    counts={},
                    started_at=now(),
                )
            )
    with writer_lock(registry, "snapshot"):
        pass
    assert runs(registry) == [
        ("align run", "interrupted"),
        ("embed extract", "running"),
        ("snapshot", "done"),
    ]


def test_a_cancelled_run_stops_between_units(registry: Registry) -> None:
    with pytest.raises(Interrupted), writer_lock(registry, "align run") as writer:
        stop_if_cancelled(writer)
        with registry.write() as session:
            session.execute(update(Run).values(cancel_requested=True))
        stop_if_cancelled(writer)
    assert runs(registry) == [("align run", "interrupted")]


def test_a_lost_connection_writes_nothing_more(postgres_registry: Registry) -> None:
    """The pinned connection comes back by itself after it was cut: without the question it would write."""
    with pytest.raises(LockLost), writer_lock(postgres_registry, "align run") as writer:
        with writer.begin() as session:
            session.add(Family(name="before"))
        with postgres_registry.write() as session:
            session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks "
                    "WHERE locktype = 'advisory' AND objid::int8 = :low"
                ),
                {"low": LOCK_KEY & 0xFFFFFFFF},
            )
        for name in ("after", "again"):
            with pytest.raises(LockLost), writer.begin() as session:
                session.add(Family(name=name))
        raise LockLost("as the runner does", hint="")
    with postgres_registry.read() as session:
        assert session.scalars(select(Family.name)).all() == ["before"]
    with writer_lock(postgres_registry, "next"):
        pass
    assert runs(postgres_registry) == [("align run", "interrupted"), ("next", "done")]


def test_failures_are_counted_per_subject_and_stage(registry: Registry) -> None:
    for _ in range(2):
        with registry.write() as session:
            record_failure(session, "checkpoint a", "extract", "no memory", None)
    with registry.read() as session:
        failure = session.scalars(select(Failure)).one()
    assert (failure.attempts, failure.last_error) == (2, "no memory")


def test_a_run_without_lock_is_recorded_too(registry: Registry) -> None:
    with recorded_run(registry, "embed extract") as run:
        run.counts["failed"] = 1
    with pytest.raises(KeyboardInterrupt), recorded_run(registry, "embed extract"):
        raise KeyboardInterrupt
    assert runs(registry) == [("embed extract", "partly done"), ("embed extract", "interrupted")]


def test_a_change_of_the_schema_waits_for_no_run(registry: Registry) -> None:
    with (
        writer_lock(registry, "align run"),
        pytest.raises(LockBusy, match="align run"),
        bare_lock(registry.engine),
    ):
        pass
    just_begun = pytest.raises(LockBusy, match="a run that has just begun")
    with bare_lock(registry.engine), just_begun, writer_lock(registry, "align run"):
        pass
    assert runs(registry) == [("align run", "done")]


def test_looking_at_the_lock_says_who_holds_it_and_leaves_it_as_it_was(registry: Registry) -> None:
    assert is_lock_free(registry.engine)
    with writer_lock(registry, "align run") as writer:
        assert not is_lock_free(registry.engine)
        with registry.read() as session:
            holder = lock_holder(session)
        assert holder is not None
        assert holder.id == writer.run_id
        with writer.begin() as session:  # still ours
            session.add(Family(name="written while somebody looked"))
    assert is_lock_free(registry.engine)
    with registry.read() as session:
        assert lock_holder(session) is None
    with bare_lock(registry.engine):
        assert not is_lock_free(registry.engine)


def test_looking_at_a_lock_that_nobody_ever_took_makes_no_file(sqlite_registry: Registry) -> None:
    folder = Path(str(sqlite_registry.engine.url.database)).parent
    before = sorted(folder.iterdir())
    assert is_lock_free(sqlite_registry.engine)
    assert sorted(folder.iterdir()) == before


def test_the_lock_of_another_database_of_the_server_is_not_ours(
    postgres_registry: Registry, empty_postgres_url: str
) -> None:
    elsewhere = make_engine(empty_postgres_url)
    with bare_lock(elsewhere):
        assert not is_lock_free(elsewhere)
        assert is_lock_free(postgres_registry.engine)
    elsewhere.dispose()


def test_whom_the_lock_keeps_out_is_told_how_to_look_and_how_to_wait(sqlite_registry: Registry) -> None:
    with writer_lock(sqlite_registry, "align run") as writer:
        with pytest.raises(LockBusy) as caught, writer_lock(sqlite_registry, "second"):
            pass
        assert f"run {writer.run_id} (align run), pid {os.getpid()}" in caught.value.message
        assert f"cavewall run show {writer.run_id}" in caught.value.hint
        assert "--wait 2h" in caught.value.hint
