"""A private PostgreSQL server for one test session, from the binaries that the system has."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

START_SECONDS = 60
OPTIONS = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "listen_addresses": ""}


class PostgresMissing(Exception):
    """No server can be started here; the message says what is missing."""


@dataclass(frozen=True)
class Cluster:
    """A running server that listens on a socket in its own folder and nowhere else."""

    folder: Path

    def url(self, database: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql+psycopg://cavewall@/{database}?host={self.folder}"

    def create(self, database: str, *, template: str = "template1") -> None:
        """Create a database, as a copy of another one that nobody is connected to."""
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(database), sql.Identifier(template)
            )
        )

    def drop(self, database: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def _run(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=str(self.folder), user="cavewall", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


@contextmanager
def private_cluster() -> Iterator[Cluster]:
    """Start a server in a temporary folder, and stop it at the end.

    Raises:
        PostgresMissing: the binaries, or the user to run them as, are not here.
    """
    binaries = find_binaries()
    account = _account()
    with tempfile.TemporaryDirectory(prefix="cavewall-pg-") as name:
        folder = Path(name)
        if account:
            shutil.chown(folder, account, account)
        log = folder / "log"
        with log.open("wb") as output:
            options: dict[str, Any] = {"stdout": output, "stderr": output, "cwd": folder}
            if account:
                options |= {"user": account, "group": account, "extra_groups": []}
            _initialise(binaries, folder, log, options)
            server = _start(binaries, folder, options)
            try:
                _wait_until_ready(server, folder, log)
                yield Cluster(folder)
            finally:
                server.send_signal(signal.SIGQUIT)
                server.wait(timeout=START_SECONDS)


def find_binaries() -> Path:
    """Return the folder of the newest initdb and postgres."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted(versions, key=lambda path: int(path.parts[-3]))
    if found:
        return found[-1].parent
    on_path = shutil.which("initdb")
    if on_path:
        return Path(on_path).resolve().parent
    raise PostgresMissing(
        "no initdb in /usr/lib/postgresql/*/bin or on PATH; on Debian: apt-get install postgresql"
    )


def _account() -> str | None:
    """Return whom the server must run as, None for ourselves: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam("postgres")
    except KeyError as error:
        raise PostgresMissing(
            "tests run as root, whom PostgreSQL refuses, and there is no user 'postgres'"
        ) from error
    return "postgres"


def _initialise(binaries: Path, folder: Path, log: Path, options: dict[str, Any]) -> None:
    data = str(folder / "data")
    words = ["--username=cavewall", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    done = subprocess.run([str(binaries / "initdb"), f"--pgdata={data}", *words], check=False, **options)
    if done.returncode:
        raise RuntimeError(f"initdb failed:\n{log.read_text()}")


def _start(binaries: Path, folder: Path, options: dict[str, Any]) -> subprocess.Popen[bytes]:
    words = [str(binaries / "postgres"), "-D", str(folder / "data"), "-k", str(folder)]
    for name, value in OPTIONS.items():
        words += ["-c", f"{name}={value}"]
    server: subprocess.Popen[bytes] = subprocess.Popen(words, preexec_fn=_die_with_parent, **options)
    return server


def _die_with_parent() -> None:
    """Have the kernel stop the server when the test process is killed and can't."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGQUIT)


def _wait_until_ready(server: subprocess.Popen[bytes], folder: Path, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            psycopg.connect(host=str(folder), user="cavewall", dbname="postgres").close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text()}")
