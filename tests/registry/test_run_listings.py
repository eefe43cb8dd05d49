from __future__ import annotations

import os
import socket
from datetime import timedelta
from typing import Any

import pytest

from registry.clock import now
from registry.errors import NotFoundError
from registry.handle import Registry
from registry.run_listings import (
    failures_of,
    find_run,
    list_runs,
    outstanding_failures,
    run_line,
    unfinished_runs,
)
from registry.runs import record_failure
from registry.tables import Run

NO_PROCESS = 2**30
AGE = 8  # seconds: no longer just begun, and not so long that this process may be younger


def plant(registry: Registry, **fields: Any) -> int:
    """Insert a run: of this process, `age` seconds old and not over, unless told otherwise."""
    moment = now() - timedelta(seconds=fields.pop("age", AGE))
    values = {
        "kind": "align run", "status": "running", "holds_lock": True, "host": socket.gethostname(),
        "pid": os.getpid(), "device": "cpu", "code_version": "0", "counts": {},
        "started_at": moment, **fields,
    }  # fmt: skip
    if values["status"] != "running":
        values.setdefault("ended_at", moment + timedelta(seconds=2))
    with registry.write() as session:
        run = Run(**values)
        session.add(run)
        session.flush()
        return run.id


def test_runs_are_listed_the_newest_first_and_cut_after_choosing_a_kind(registry: Registry) -> None:
    ids = [plant(registry, kind=kind, status="done") for kind in ("align run", "snapshot", "align run")]
    with registry.read() as session:
        lines = list_runs(session, lock_is_free=True)
        aligned = list_runs(session, lock_is_free=True, kind="align run", limit=1)
        assert list_runs(session, lock_is_free=True, kind="nightly") == []
    assert [line.run_id for line in lines] == ids[::-1]
    assert [line.run_id for line in aligned] == [ids[2]]
    assert lines[0].seconds == 2


@pytest.mark.parametrize(
    ("fields", "lock_is_free", "is_lost"),
    [
        ({"pid": NO_PROCESS}, False, True),
        ({"pid": NO_PROCESS, "holds_lock": False}, False, True),
        ({"holds_lock": False}, True, False),
        ({}, False, False),
        ({}, True, True),
        ({"age": 0}, True, False),
        ({"pid": NO_PROCESS, "host": "elsewhere"}, False, False),
        ({"pid": NO_PROCESS, "host": "elsewhere"}, True, True),
        ({"pid": NO_PROCESS, "host": "elsewhere", "holds_lock": False}, True, False),
        ({"pid": NO_PROCESS, "status": "done"}, True, False),
    ],
)
def test_a_run_is_lost_if_its_process_or_its_lock_is_gone(
    sqlite_registry: Registry, fields: dict[str, Any], lock_is_free: bool, is_lost: bool
) -> None:
    run_id = plant(sqlite_registry, **fields)
    with sqlite_registry.read() as session:
        line = run_line(find_run(session, run_id), lock_is_free=lock_is_free)
        unfinished = unfinished_runs(session, lock_is_free=lock_is_free)
    assert line.is_lost == is_lost
    assert len(unfinished) == (line.status == "running")


def test_the_last_run_is_found_without_an_id_and_a_missing_one_is_refused(sqlite_registry: Registry) -> None:
    with sqlite_registry.read() as session, pytest.raises(NotFoundError, match="nothing has been run"):
        find_run(session, None)
    first, last = plant(sqlite_registry, status="done"), plant(sqlite_registry, status="failed")
    with sqlite_registry.read() as session:
        assert find_run(session, None).id == last
        assert find_run(session, first).id == first
        with pytest.raises(NotFoundError, match="no run 99"):
            find_run(session, 99)


def test_failures_are_those_of_their_run_and_all_that_are_outstanding(registry: Registry) -> None:
    first, second = plant(registry, status="partly done"), plant(registry, status="partly done")
    with registry.write() as session:
        record_failure(session, "embedding 3", "null", "out of memory", first)
        record_failure(session, "embedding 4", "score", "not finite", first)
        record_failure(session, "embedding 3", "null", "out of memory again", second)
    with registry.read() as session:
        assert [line.subject for line in failures_of(session, first)] == ["embedding 4"]
        (again,) = failures_of(session, second)
        assert (again.subject, again.attempts, again.last_error) == ("embedding 3", 2, "out of memory again")
        assert {line.subject for line in outstanding_failures(session)} == {"embedding 3", "embedding 4"}
