from __future__ import annotations

import json
import os
import socket
from datetime import timedelta
from typing import Any

from registry.clock import now
from registry.handle import Registry
from registry.lock import writer_lock
from registry.runs import record_failure, recorded_run
from registry.tables import Run
from tests.cavewall.conftest import Call

NO_PROCESS = 2**30


def plant(registry: Registry, **fields: Any) -> int:
    """Insert a run that ended two minutes after it began, unless something else is said."""
    moment = now() - timedelta(hours=1)
    values = {
        "kind": "align run", "status": "done", "holds_lock": True, "host": socket.gethostname(),
        "pid": NO_PROCESS, "device": "cpu", "code_version": "0", "counts": {},
        "started_at": moment, **fields,
    }  # fmt: skip
    if values["status"] != "running":
        values.setdefault("ended_at", moment + timedelta(minutes=2))
    with registry.write() as session:
        run = Run(**values)
        session.add(run)
        session.flush()
        return run.id


def test_runs_are_listed_with_what_they_did(call: Call, zoo: Registry) -> None:
    plant(zoo, counts={"pairs": 1359, "failed": 0, "entries_per_second": 1.5})
    plant(zoo, kind="snapshot", status="failed")
    result = call("run", "list")
    assert result.exit_code == 0
    heading, newest, oldest = result.stdout.splitlines()
    assert heading.split() == ["run", "kind", "status", "started_at", "duration", "host", "device", "counts"]
    assert newest.split()[:3] == ["2", "snapshot", "failed"]
    assert "2 m 0 s" in oldest
    assert oldest.endswith("pairs 1,359")
    assert result.stderr == "nothing runs now\n"


def test_a_list_is_cut_and_chosen_from(call: Call, zoo: Registry) -> None:
    for kind in ("align run", "snapshot", "align run"):
        plant(zoo, kind=kind)
    lines = call(
        "run", "list", "--kind", "align run", "--limit", "1", "--format", "jsonl"
    ).stdout.splitlines()
    assert [json.loads(line)["run_id"] for line in lines] == [3]
    result = call("run", "list", "--kind", "nightly")
    assert result.exit_code == 0
    assert result.stdout == "no run of 'nightly', only of align run, snapshot\n"


def test_fields_of_a_run_are_an_interface(call: Call, zoo: Registry) -> None:
    plant(zoo)
    envelope = json.loads(call("run", "list", "--format", "json").stdout)
    fields = [
        "run_id", "kind", "status", "is_lost", "started_at", "ended_at", "seconds", "host", "pid", "device",
        "code_version", "holds_lock", "cancel_requested", "counts",
    ]  # fmt: skip
    assert envelope["schema"] == "cavewall/run-list@1"
    assert list(envelope["data"][0]) == fields
    one = json.loads(call("run", "show", "--format", "json").stdout)
    assert one["schema"] == "cavewall/run@1"
    assert list(one["data"]) == [*fields, "failures", "left_to_do"]
    assert one["data"]["seconds"] == 120.0


def test_who_runs_now_is_said_and_who_is_lost_is_not_among_them(call: Call, zoo: Registry) -> None:
    lost = plant(zoo, kind="embed extract", status="running", holds_lock=False)
    with recorded_run(zoo, "embed extract"), writer_lock(zoo, "align run"):
        result = call("run", "list")
    assert (
        f"runs now: run {lost + 1} (embed extract), pid {os.getpid()} on {socket.gethostname()}"
        in result.stderr
    )
    assert f"runs now: run {lost + 2} (align run)" in result.stderr
    assert "holds the lock" in result.stderr
    assert f"run {lost} " not in result.stderr
    assert "lost (its process is gone)" in result.stdout
    rows = json.loads(call("run", "list", "--format", "json").stdout)["data"]
    assert [(row["status"], row["is_lost"]) for row in rows] == [
        ("done", False), ("done", False), ("running", True),
    ]  # fmt: skip


def test_the_last_run_is_shown_with_its_failures(call: Call, zoo: Registry) -> None:
    plant(zoo)
    last = plant(zoo, status="partly done", counts={"pairs": 3, "rate": 1.5})
    with zoo.write() as session:
        record_failure(session, "embedding 3", "null", "out of memory", last)
    result = call("run", "show")
    assert result.exit_code == 0
    assert f"run_id            {last}\n" in result.stdout
    assert "pairs=3, rate=1.5" in result.stdout
    assert "embedding 3" in result.stdout
    assert "out of memory" in result.stdout


def test_an_interrupted_run_says_what_is_missing_and_how_to_go_on(call: Call, small_zoo: Registry) -> None:
    run_id = plant(small_zoo, status="interrupted", cancel_requested=True)
    result = call("run", "show", run_id)
    assert "cancel_requested  yes" in result.stdout
    assert "3 pairs and 3 nulls missing; resume: cavewall align run" in result.stdout
    assert call("align", "run", "--device", "cpu", "--no-null").exit_code == 0
    assert "3 nulls missing; resume: cavewall align run" in call("run", "show", run_id).stdout
    data = json.loads(call("run", "show", "--format", "json").stdout)["data"]
    assert (data["status"], data["left_to_do"]) == ("done", None)


def test_a_stopped_run_of_another_kind_names_its_command(call: Call, zoo: Registry) -> None:
    plant(zoo, kind="embed extract", status="interrupted")
    assert "resume: cavewall embed extract" in call("run", "show").stdout
    plant(zoo, kind="score bits-per-byte", status="failed")
    assert "resume: give the same command again" in call("run", "show").stdout


def test_a_run_that_is_not_there_is_refused(call: Call, zoo: Registry) -> None:
    result = call("run", "show")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing has been run here yet" in result.stderr
    assert call("run", "list").stdout == "nothing was run here yet\n"
    plant(zoo)
    result = call("run", "show", 99)
    assert result.exit_code == 1
    assert "no run 99" in result.stderr
    assert "cavewall run list" in result.stderr
