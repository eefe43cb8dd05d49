from __future__ import annotations

import json

from registry.handle import Registry
from registry.lock import writer_lock
from tests.cavewall.conftest import Call


def test_build_writes_once_until_something_changes(call: Call, small_zoo: Registry) -> None:
    assert call("snapshot", "build", "--dry-run").stdout == "would write a snapshot\n"
    result = call("snapshot", "build")
    assert result.exit_code == 0
    assert result.stdout.startswith("snapshot 1: ")
    assert call("snapshot", "build").stdout == "nothing to do: snapshot 1 is current\n"
    call("checkpoint", "retire", "words", "--reason", "test", "--yes")
    assert json.loads(call("snapshot", "build", "--format", "json").stdout)["data"]["number"] == 2


def test_build_while_another_run_holds_the_lock_exits_with_75(call: Call, small_zoo: Registry) -> None:
    with writer_lock(small_zoo, "align run"):
        result = call("snapshot", "build")
    assert result.exit_code == 75
    assert result.stdout == ""


def test_keep_names_a_snapshot_and_sql_reads_it(call: Call, small_zoo: Registry) -> None:
    call("snapshot", "build")
    assert (
        call("snapshot", "keep", "paper-v1", "--dry-run").stdout == "snapshot 1 would be kept as paper-v1\n"
    )
    assert call("snapshot", "keep", "paper-v1").stdout == "snapshot 1 is kept as paper-v1\n"
    (row,) = json.loads(call("snapshot", "list", "--format", "json").stdout)["data"]
    assert (row["number"], row["name"]) == (1, "paper-v1")
    assert call("sql", "select 1 as one", "--snapshot", "paper-v1").exit_code == 0


def test_keep_without_a_snapshot_is_refused(call: Call, small_zoo: Registry) -> None:
    result = call("snapshot", "keep", "paper-v1")
    assert result.exit_code == 1
    assert "cavewall snapshot build" in result.stderr


def test_list_of_none_names_what_makes_one(call: Call, small_zoo: Registry) -> None:
    assert call("snapshot", "list").stdout == "no snapshot yet: cavewall snapshot build\n"
