from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.handle import Registry
from tests.cavewall.conftest import Call


def origins(call: Call, *arguments: object) -> dict[str, str]:
    result = call("config", "show", "--format", "json", *arguments)
    assert result.exit_code == 0, result.stderr
    return {value["key"]: value["origin"] for value in json.loads(result.stdout)["data"]}


def test_every_value_names_its_origin(call: Call, zoo: Registry) -> None:
    toml = str(Path.cwd() / "cavewall.toml")
    assert origins(call) == {"database": toml, "store": toml, "device": "default"}


def test_variable_is_named_as_the_origin(call: Call, zoo: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAVEWALL_DEVICE", "cpu")
    monkeypatch.setenv("CAVEWALL_DB", str(zoo.engine.url.database))
    assert origins(call)["device"] == "variable CAVEWALL_DEVICE"
    assert origins(call)["database"] == "variable CAVEWALL_DB"


def test_flag_is_named_as_the_origin(call: Call, zoo: Registry) -> None:
    assert origins(call, "--db", f"sqlite:///{zoo.engine.url.database}")["database"] == "flag"


def test_folder_is_an_address_from_anywhere(call: Call, sqlite_registry: Registry, nowhere: Path) -> None:
    folder = sqlite_registry.settings.folder
    assert origins(call, "--db", folder)["database"] == f"{folder}/cavewall.toml"


def test_unknown_key_is_refused_with_the_nearest(call: Call, zoo: Registry) -> None:
    with Path("cavewall.toml").open("a") as toml:
        toml.write('devcie = "cpu"\n')
    result = call("config", "show")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "unknown key 'devcie'" in result.stderr
    assert "device" in result.stderr


def test_password_is_never_shown(call: Call, nowhere: Path) -> None:
    result = call("config", "show", "--db", "postgresql://me:secret@example/zoo")
    assert result.exit_code == 0
    assert "secret" not in result.stdout
    assert "me:***@example" in result.stdout
