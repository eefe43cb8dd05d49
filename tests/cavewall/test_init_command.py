from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from registry.migrate import head_revision
from tests.cavewall.conftest import Call


def test_init_makes_a_zoo(call: Call, nowhere: Path) -> None:
    result = call("init", "myzoo")
    assert result.exit_code == 0
    database = f"myzoo/.cavewall/registry.sqlite (schema {head_revision()})"
    assert result.stdout == f"Created myzoo/cavewall.toml, {database}, myzoo/store/\n"
    assert "cd myzoo" in result.stderr
    assert (nowhere / "myzoo" / "store").is_dir()


def test_dry_run_makes_nothing(call: Call, nowhere: Path) -> None:
    result = call("init", "myzoo", "--dry-run", "--format", "json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["data"]["schema"] == head_revision()
    assert list(nowhere.iterdir()) == []


def test_existing_zoo_is_refused_and_stays(call: Call, nowhere: Path) -> None:
    call("init", "myzoo")
    before = (nowhere / "myzoo" / ".cavewall" / "registry.sqlite").read_bytes()
    result = call("init", "myzoo")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("error:")
    assert "already holds a zoo" in result.stderr
    assert (nowhere / "myzoo" / ".cavewall" / "registry.sqlite").read_bytes() == before


def test_file_in_the_place_of_the_folder_is_refused(call: Call, nowhere: Path) -> None:
    (nowhere / "myzoo").write_text("")
    result = call("init", "myzoo")
    assert result.exit_code == 1
    assert "expected a folder" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_is_not_writable_is_refused(call: Call, nowhere: Path) -> None:
    (nowhere / "closed").mkdir(mode=0o500)
    result = call("init", "closed")
    assert result.exit_code == 1
    assert "not writable" in result.stderr


def test_init_on_postgresql(call: Call, nowhere: Path, empty_postgres_url: str) -> None:
    result = call("init", "myzoo", "--db", empty_postgres_url)
    assert result.exit_code == 0, result.stderr
    assert call("status", "--db", "myzoo").exit_code == 0
    assert not (nowhere / "myzoo" / ".cavewall" / "registry.sqlite").exists()
