from __future__ import annotations

import json
from pathlib import Path

from registry.handle import Registry
from tests.cavewall.conftest import Call


def test_status_of_an_empty_zoo_names_what_comes_next(call: Call, zoo: Registry) -> None:
    result = call("status")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "checkpoints  0\n" in result.stdout
    assert "cavewall target add" in result.stdout
    assert "cavewall snapshot build" in result.stdout


def test_fields_of_status_are_an_interface(call: Call, zoo: Registry) -> None:
    envelope = json.loads(call("status", "--format", "json").stdout)
    assert envelope["schema"] == "cavewall/status@1"
    assert list(envelope["data"]) == [
        "database",
        "schema",
        "checkpoints",
        "retired_checkpoints",
        "datasets",
        "embeddings",
        "targets",
        "scores",
        "coverage",
        "last_run",
        "snapshot",
        "store",
    ]


def test_jsonl_of_one_thing_is_one_line(call: Call, zoo: Registry) -> None:
    (line,) = call("status", "--format", "jsonl").stdout.splitlines()
    assert json.loads(line)["checkpoints"] == 0


def test_missing_registry_is_refused(call: Call, nowhere: Path) -> None:
    result = call("status", "--db", "sqlite:///nothing.sqlite")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no registry at" in result.stderr
    assert not (nowhere / "nothing.sqlite").exists()
