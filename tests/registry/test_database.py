from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, Integer, column, select, table, text, update
from sqlalchemy.exc import IntegrityError

from registry.database import make_engine, parse_url
from registry.errors import ConfigurationError
from registry.folders import filesystem_of, refuse_network_filesystem

COUNTER = table("counter", column("value", Integer))
PROCESSES, INCREMENTS = 8, 40


def increment(url: str) -> None:
    engine = make_engine(url)
    for _ in range(INCREMENTS):
        with engine.begin() as connection:
            value = connection.scalar(select(COUNTER.c.value))
            connection.execute(update(COUNTER).values(value=value + 1))


def counter(tmp_path: Path) -> tuple[str, Engine]:
    url = f"sqlite:///{tmp_path / 'registry.sqlite'}"
    engine = make_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE counter (value INTEGER NOT NULL)"))
        connection.execute(text("INSERT INTO counter VALUES (0)"))
    return url, engine


@pytest.mark.slow
def test_eight_processes_lose_no_update(tmp_path: Path) -> None:
    url, engine = counter(tmp_path)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=increment, args=(url,)) for _ in range(PROCESSES)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    with engine.connect() as connection:
        assert connection.scalar(select(COUNTER.c.value)) == PROCESSES * INCREMENTS


def test_a_reader_does_not_wait_for_a_writer(tmp_path: Path) -> None:
    _, engine = counter(tmp_path)
    reader = engine.execution_options(read_only=True)
    with engine.begin() as writing:
        writing.execute(update(COUNTER).values(value=1))
        with reader.connect() as reading:
            assert reading.scalar(select(COUNTER.c.value)) == 0


def test_foreign_keys_are_enforced(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'a.sqlite'}")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE parent (id INTEGER PRIMARY KEY)"))
        connection.execute(text("CREATE TABLE child (id INTEGER REFERENCES parent(id))"))
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.execute(text("INSERT INTO child VALUES (1)"))


def test_the_journal_is_a_wal(tmp_path: Path) -> None:
    _, engine = counter(tmp_path)
    with sqlite3.connect(str(engine.url.database)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


@pytest.mark.parametrize("address", ["nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url(address)
    assert "sqlite:///PATH" in caught.value.hint


def test_the_postgresql_driver_is_ours_whatever_is_written() -> None:
    assert parse_url("postgresql://me@host/db").drivername == "postgresql+psycopg"


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/vdb /home/local ext4 rw 0 0
//nas/share /mnt/my\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/work", "ext4"),
        ("/home/me/zoo", "nfs4"),
        ("/home/local/zoo", "ext4"),
        ("/mnt/my share/zoo", "cifs"),
        ("/homes", "ext4"),
    ],
)
def test_the_longest_mount_decides(path: str, kind: str) -> None:
    assert filesystem_of(Path(path), MOUNTS) == kind


def test_a_network_file_system_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.folders.filesystem_of", lambda _path, _mounts: "nfs4")
    with pytest.raises(ConfigurationError, match=r"on a network file system \(nfs4\)"):
        refuse_network_filesystem(tmp_path)
