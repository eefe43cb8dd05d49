"""One writer at a time: the lock, and the connection that does all of a run's writing.

SQLite: a kernel file lock beside the database. PostgreSQL: an advisory lock on one connection that no pool
shares; every writing transaction first asks the server whether this very backend still holds it, because a
connection that was lost comes back silently, without the lock.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, ScalarSelect, Select, column, func, select, table, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from registry.database import is_sqlite, make_engine
from registry.errors import Interrupted, LockBusy, LockLost
from registry.handle import Registry
from registry.runs import begin_run, end_run, mark_interrupted, status_of
from registry.tables import Run

LOCK_KEY = int.from_bytes(hashlib.sha256(b"cavewall writer").digest()[:8], "big", signed=True)
POLL_SECONDS = 0.2
PG_LOCKS = table(
    "pg_locks",
    column("locktype"),
    column("database"),
    column("pid"),
    column("granted"),
    column("classid"),
    column("objid"),
)
PG_DATABASE = table("pg_database", column("oid"), column("datname"))


class _Hold(Protocol):
    def connection(self) -> Connection: ...
    def check(self, connection: Connection) -> None: ...
    def release(self) -> None: ...


@dataclass
class Writer:
    """The right to write, for as long as a run holds the lock."""

    registry: Registry
    hold: _Hold
    run_id: int = 0
    counts: dict[str, Any] = field(default_factory=dict)

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Give a session for one transaction, after making sure that the lock is still held.

        Raises:
            LockLost: the lock's connection is gone. Nothing of the transaction is written.
        """
        try:
            connection = self.hold.connection()
            with Session(bind=connection, expire_on_commit=False) as session, session.begin():
                self.hold.check(session.connection())
                yield session
        except DBAPIError as error:
            if error.connection_invalidated:
                raise _lost(self.run_id) from error
            raise

    def is_cancelled(self) -> bool:
        """Return whether somebody asked this run to stop."""
        with self.registry.read() as session:
            return bool(session.scalar(select(Run.cancel_requested).where(Run.id == self.run_id)))


@contextmanager
def writer_lock(registry: Registry, kind: str, device: str = "cpu", wait: float = 0.0) -> Iterator[Writer]:
    """Hold the registry's lock and record the run that holds it.

    Runs that an earlier holder left unfinished are marked as interrupted.

    Args:
        registry: whose lock.
        kind: the command, as `run` shows it.
        device: where the run computes.
        wait: how many seconds to wait for another holder.

    Raises:
        LockBusy: another run holds it.
    """
    with _held(registry.engine, wait) as hold:
        writer = Writer(registry, hold)
        with writer.begin() as session:
            mark_interrupted(session)
            writer.run_id = begin_run(session, kind=kind, device=device, holds_lock=True)
        yield from _until_ended(writer)


@contextmanager
def bare_lock(engine: Engine, wait: float = 0.0) -> Iterator[None]:
    """Hold the lock without recording a run: for a change of the schema, which the run's row depends on.

    Raises:
        LockBusy: a run holds it.
    """
    with _held(engine, wait):
        yield


def is_lock_free(engine: Engine) -> bool:
    """Return whether it is certain that nobody holds the lock now.

    On SQLite there is no way to look but to take it: for that moment a run that does not wait is refused, and
    who may not take it cannot be certain.
    """
    if not is_sqlite(engine):
        with engine.connect() as connection:
            return not connection.scalar(_holders().where(PG_LOCKS.c.database == _this_database()))
    if not _lock_file(engine).exists():
        return True
    with suppress(PermissionError):
        hold = _FileHold.take(engine)
        if hold is not None:
            hold.release()
            return True
    return False


def lock_holder(session: Session) -> Run | None:
    """Return the run that says it holds the lock; whether it still lives, its row does not know."""
    return session.scalar(
        select(Run).where(Run.status == "running", Run.holds_lock).order_by(Run.id.desc()).limit(1)
    )


def holder_text(run: Run) -> str:
    """Return who a run is, as everybody is told whom it keeps waiting."""
    since = run.started_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"run {run.id} ({run.kind}), pid {run.pid} on {run.host}, since {since}"


def _until_ended(writer: Writer) -> Iterator[Writer]:
    error: BaseException | None = None
    try:
        yield writer
    except BaseException as caught:
        error = caught
        raise
    finally:
        if not isinstance(error, LockLost):
            with writer.begin() as session:
                end_run(session, writer.run_id, status=status_of(error, writer.counts), counts=writer.counts)


@contextmanager
def _held(engine: Engine, wait: float) -> Iterator[_Hold]:
    take = _FileHold.take if is_sqlite(engine) else _AdvisoryHold.take
    deadline = time.monotonic() + wait
    hold: _Hold | None = take(engine)
    while hold is None:
        if time.monotonic() >= deadline:
            raise _busy(engine)
        time.sleep(POLL_SECONDS)
        hold = take(engine)
    try:
        yield hold
    finally:
        hold.release()


def _lock_file(engine: Engine) -> Path:
    database = Path(str(engine.url.database))
    return database.with_name(database.name + ".lock")


@dataclass
class _FileHold:
    lock: FileLock
    engine: Engine
    opened: Connection | None = None

    @classmethod
    def take(cls, engine: Engine) -> _FileHold | None:
        lock = FileLock(_lock_file(engine))
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return None
        return cls(lock, engine)

    def connection(self) -> Connection:
        if self.opened is None:
            self.opened = self.engine.connect()
        return self.opened

    def check(self, connection: Connection) -> None:
        if not self.lock.is_locked:
            raise LockLost("the lock file is no longer held", hint="run the same command again")

    def release(self) -> None:
        if self.opened is not None:
            self.opened.close()
        self.lock.release()


@dataclass
class _AdvisoryHold:
    engine: Engine
    pinned: Connection

    @classmethod
    def take(cls, engine: Engine) -> _AdvisoryHold | None:
        pinned_engine = make_engine(engine.url, pinned=True)
        pinned = pinned_engine.connect()
        with pinned.begin():
            if pinned.dialect.server_version_info and pinned.dialect.server_version_info >= (14,):
                pinned.execute(text("SET idle_session_timeout = 0"))
            taken = pinned.scalar(select(func.pg_try_advisory_lock(LOCK_KEY)))
        if not taken:
            pinned.close()
            return None
        return cls(pinned_engine, pinned)

    def connection(self) -> Connection:
        return self.pinned

    def check(self, connection: Connection) -> None:
        """Raise unless the very backend that runs this transaction holds the lock."""
        if not connection.scalar(_holders().where(PG_LOCKS.c.pid == func.pg_backend_pid())):
            raise _lost(None)

    def release(self) -> None:
        self.pinned.close()  # the engine keeps no pool: closing ends the session, and the lock with it
        self.engine.dispose()


def _holders() -> Select[Any]:
    """Return the question how many backends of the server hold the advisory lock of a registry."""
    return (
        select(func.count())
        .select_from(PG_LOCKS)
        .where(
            PG_LOCKS.c.locktype == "advisory",
            PG_LOCKS.c.granted,
            func.int8(PG_LOCKS.c.classid) == (LOCK_KEY >> 32) & 0xFFFFFFFF,
            func.int8(PG_LOCKS.c.objid) == LOCK_KEY & 0xFFFFFFFF,
        )
    )


def _this_database() -> ScalarSelect[Any]:
    return select(PG_DATABASE.c.oid).where(PG_DATABASE.c.datname == func.current_database()).scalar_subquery()


def _lost(run_id: int | None) -> LockLost:
    run = f"run {run_id}" if run_id else "this run"
    return LockLost(
        f"{run} lost the database connection that held its lock, and stopped without writing more",
        hint="run the same command again: it resumes (a pooler in transaction mode cannot work here)",
    )


def _busy(engine: Engine) -> LockBusy:
    holder, look = "a run that has just begun", "cavewall run list"
    with (
        suppress(DBAPIError),
        Session(engine.execution_options(read_only=True)) as session,
    ):  # an older schema
        run = lock_holder(session)
        if run is not None:
            holder, look = holder_text(run), f"cavewall run show {run.id}"
    return LockBusy(f"another run holds the lock: {holder}", hint=f"wait for it: --wait 2h      look: {look}")


def stop_if_cancelled(writer: Writer) -> None:
    """Raise Interrupted between two units if somebody asked the run to stop."""
    if writer.is_cancelled():
        raise Interrupted(
            f"run {writer.run_id} was cancelled", hint="run the same command again to resume", exit_code=143
        )
