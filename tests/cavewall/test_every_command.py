"""What holds for every command, whatever it does."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from cavewall.groups import Leaf
from registry.handle import Registry
from registry.migrate import downgrade
from tests.cavewall.conftest import Call
from tests.cavewall.test_help import LEAVES

NEEDS_NO_ZOO = {
    ("dataset", "formats"),
    ("score", "formats"),
    ("metric", "list"),
    ("metric", "show"),
    ("demo",),
    ("init",),
}
LOOKS_AT_ANY_SCHEMA = {("config", "show"), ("db", "current"), ("db", "upgrade"), ("doctor",)}
with_zoo = pytest.mark.parametrize(
    "path", [path for path in LEAVES if path not in NEEDS_NO_ZOO], ids=" ".join
)


def first_example(path: tuple[str, ...]) -> list[str]:
    command = LEAVES[path]
    assert isinstance(command, Leaf)
    return shlex.split(command.examples[0])[1:]


@with_zoo
def test_folder_without_a_zoo_is_refused(path: tuple[str, ...], call: Call, nowhere: Path) -> None:
    result = call(*first_example(path))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no zoo here" in result.stderr
    assert "cavewall init FOLDER" in result.stderr
    assert list(nowhere.iterdir()) == []


@with_zoo
def test_old_schema_is_refused(path: tuple[str, ...], call: Call, zoo: Registry) -> None:
    if path in LOOKS_AT_ANY_SCHEMA:
        pytest.skip("works on any schema")
    downgrade(zoo.engine, "0001")
    result = call(*first_example(path))
    assert result.exit_code == 5
    assert result.stdout == ""
    assert "cavewall db upgrade" in result.stderr


@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_unknown_option_is_refused_in_json_too(path: tuple[str, ...], call: Call, nowhere: Path) -> None:
    result = call(*path, "--no-such-option", "--format", "json")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert '{"error": {"code": "usage"' in result.stderr
