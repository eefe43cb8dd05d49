from __future__ import annotations

import json
from pathlib import Path

from registry.handle import Registry
from registry.lock import bare_lock
from registry.migrate import current_revision, downgrade, head_revision
from tests.cavewall.conftest import Call


def test_current_names_the_schema(call: Call, zoo: Registry) -> None:
    result = call("db", "current")
    assert result.exit_code == 0
    assert result.stdout == f"schema {head_revision()} (head)\n"


def test_current_looks_at_an_old_schema_too(call: Call, zoo: Registry) -> None:
    downgrade(zoo.engine, "0001")
    result = call("db", "current", "--format", "json")
    assert json.loads(result.stdout)["data"] == {"schema": "0001", "needed": head_revision()}


def test_old_schema_stops_every_command_and_names_the_way_out(call: Call, zoo: Registry) -> None:
    downgrade(zoo.engine, "0001")
    result = call("status")
    assert result.exit_code == 5
    assert result.stdout == ""
    assert f"schema 0001, this version needs {head_revision()}" in result.stderr
    assert "cavewall db upgrade" in result.stderr


def test_upgrade_brings_the_schema_up_and_keeps_a_copy(call: Call, zoo: Registry) -> None:
    downgrade(zoo.engine, "0001")
    result = call("db", "upgrade")
    assert result.exit_code == 0
    assert result.stdout.startswith(
        f"upgraded from schema 0001 to {head_revision()}; the old one is kept as "
    )
    assert Path(result.stdout.strip().rpartition(" ")[2]).is_file()
    assert current_revision(zoo.engine) == head_revision()
    assert call("db", "upgrade").stdout == f"nothing to do: schema {head_revision()} is the newest\n"


def test_upgrade_waits_for_no_run(call: Call, zoo: Registry) -> None:
    with bare_lock(zoo.engine):
        result = call("db", "upgrade")
    assert result.exit_code == 75
    assert "another run holds the lock" in result.stderr


def test_dry_run_changes_nothing(call: Call, zoo: Registry) -> None:
    downgrade(zoo.engine, "0001")
    result = call("db", "upgrade", "--dry-run")
    assert result.exit_code == 0
    assert result.stdout == f"would upgrade from schema 0001 to {head_revision()}\n"
    assert "CREATE TABLE" in call("db", "upgrade", "--dry-run", "--sql").stdout
    assert current_revision(zoo.engine) == "0001"


def test_option_is_read_from_its_variable(call: Call, zoo: Registry, monkeypatch: object) -> None:
    downgrade(zoo.engine, "0001")
    monkeypatch.setenv("CAVEWALL_DB_UPGRADE_DRY_RUN", "1")  # type: ignore[attr-defined]
    assert call("db", "upgrade").stdout.startswith("would upgrade")
    assert current_revision(zoo.engine) == "0001"


def test_folder_without_a_zoo_is_refused(call: Call, nowhere: Path) -> None:
    result = call("db", "upgrade")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "cavewall init FOLDER" in result.stderr
