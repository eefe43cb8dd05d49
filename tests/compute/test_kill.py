"""Runs that die, and runs that meet."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from compute.runner import RunOptions, run_targets
from registry.errors import LockBusy
from registry.handle import Registry
from registry.lock import LOCK_KEY, writer_lock
from registry.tables import Alignment, Run
from tests.compute.states import grid, scores, watermarks
from tests.compute.synthetic import SyntheticZoo

ROOT = Path(__file__).parents[2]
CHECKPOINTS = 40
UNIT = 10


def filled_zoo(registry: Registry) -> SyntheticZoo:
    zoo = SyntheticZoo(registry)
    for number in range(CHECKPOINTS):
        zoo.add(1 + number % 3)
    zoo.add_target()
    return zoo


def start(registry: Registry) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.compute.fill", str(registry.settings.folder), str(UNIT)]
    return subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)


def row_count(registry: Registry) -> int:
    with registry.read() as session:
        return session.scalar(select(func.count()).select_from(Alignment)) or 0


def wait_for_rows(registry: Registry, process: subprocess.Popen[str], more_than: int) -> None:
    deadline = time.monotonic() + 120
    while row_count(registry) <= more_than:
        assert process.poll() is None or row_count(registry) > more_than, process.communicate()[1]
        assert time.monotonic() < deadline
        time.sleep(0.001)


@pytest.mark.slow
def test_killed_runs_end_like_one_that_was_not(
    sqlite_registry: Registry, postgres_registry: Registry
) -> None:
    """Ten kills on SQLite, each between the first and the last commit; PostgreSQL ran undisturbed."""
    filled_zoo(sqlite_registry)
    filled_zoo(postgres_registry)
    summary = run_targets(postgres_registry, options=RunOptions(device="cpu", unit_layer_pairs=UNIT))
    assert summary.units >= 20
    total = row_count(postgres_registry)
    moments = random.Random(0)
    kills, done = 0, 0
    while kills < 10 and done < total:
        process = start(sqlite_registry)
        wait_for_rows(sqlite_registry, process, done)
        time.sleep(moments.uniform(0, 0.03))
        process.send_signal(signal.SIGKILL)
        process.wait()
        done = row_count(sqlite_registry)
        kills += done < total
    assert kills == 10, f"{kills} kills before the end: make the zoo larger"
    run_targets(sqlite_registry, options=RunOptions(device="cpu", unit_layer_pairs=UNIT))
    assert scores(sqlite_registry) == scores(postgres_registry)
    assert grid(sqlite_registry) == grid(postgres_registry)
    assert watermarks(sqlite_registry) == watermarks(postgres_registry)
    with sqlite_registry.read() as session:
        statuses = session.scalars(select(Run.status).order_by(Run.id)).all()
    assert statuses == ["interrupted"] * 10 + ["done"]


def test_of_two_runs_one_says_who_holds_the_lock(registry: Registry) -> None:
    filled_zoo(registry)
    with writer_lock(registry, "align run") as writer:
        with pytest.raises(
            LockBusy, match=rf"run {writer.run_id} \(align run\), pid \d+ on .+, since"
        ) as caught:
            run_targets(registry, options=RunOptions(device="cpu"))
        assert caught.value.exit_code == 75
    assert (
        run_targets(registry, options=RunOptions(device="cpu")).pairs == CHECKPOINTS * (CHECKPOINTS - 1) // 2
    )


@pytest.mark.slow
def test_a_second_process_exits_75(sqlite_registry: Registry) -> None:
    filled_zoo(sqlite_registry)
    with writer_lock(sqlite_registry, "align run"):
        process = start(sqlite_registry)
        _, errors = process.communicate(timeout=120)
    assert process.returncode == 75
    assert "another run holds the lock: run 1 (align run)" in errors


@pytest.mark.slow
def test_a_run_whose_backend_is_terminated_stops_and_writes_nothing_more(postgres_registry: Registry) -> None:
    filled_zoo(postgres_registry)
    process = start(postgres_registry)
    wait_for_rows(postgres_registry, process, 0)
    with postgres_registry.write() as session:
        session.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted "
                "AND objid::int8 = :low"
            ),
            {"low": LOCK_KEY & 0xFFFFFFFF},
        )
    after = row_count(postgres_registry)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 1
    assert "LockLost: run 1 lost the database connection that held its lock" in errors
    assert row_count(postgres_registry) <= after + UNIT  # a unit that was committing when the backend ended
    stopped = row_count(postgres_registry)
    run_targets(postgres_registry, options=RunOptions(device="cpu"))
    assert row_count(postgres_registry) > stopped
    with postgres_registry.read() as session:
        assert session.scalars(select(Run.status).order_by(Run.id)).all() == ["interrupted", "done"]
