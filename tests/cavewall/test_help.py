"""Help is quick, complete and true."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cavewall.cli import COMMANDS, program
from cavewall.groups import Leaf, first_line

HEAVY = (
    "alembic", "altair", "duckdb", "numpy", "pandas", "pyarrow", "rich", "sqlalchemy", "timm", "torch",
    "transformers",
)  # fmt: skip


def leaves(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        else:
            yield (*path, name), command


LEAVES = dict(leaves(program))
TABLE = {name: entry for section in COMMANDS.values() for name, entry in section.items()}
every_command = pytest.mark.parametrize("path", list(LEAVES), ids=" ".join)


@pytest.mark.parametrize("start", ["cavewall.cli", "cavewall"])
@pytest.mark.parametrize("argument", ["--help", "--version"])
def test_help_imports_nothing_heavy(start: str, argument: str, tmp_path: Path) -> None:
    call = "import cavewall.cli; sys.argv = ['cavewall', '{}']; cavewall.cli.main()"
    if start == "cavewall":
        call = (
            "import runpy; sys.argv = ['cavewall', '{}']; runpy.run_module('cavewall', run_name='__main__')"
        )
    script = (
        "import atexit, sys\n"
        f"atexit.register(lambda: print(*sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr))\n"
        + call.format(argument)
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert "cavewall" in done.stdout
    assert done.stderr.strip() == ""


@pytest.mark.parametrize(
    "start", [[sys.executable, "-m", "cavewall"], [str(Path(sys.executable).with_name("cavewall"))]]
)
def test_help_takes_less_than_half_a_second_of_cpu(start: list[str], tmp_path: Path) -> None:
    def cpu_of_one_call() -> float:
        before = os.times()
        subprocess.run([*start, "--help"], cwd=tmp_path, capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    assert min(cpu_of_one_call() for _ in range(3)) < 0.5


@pytest.mark.parametrize("name", TABLE)
def test_table_describes_each_command_as_it_does_itself(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command is not None
    assert first_line(command) == TABLE[name].short_help


@every_command
def test_command_has_one_line_of_help(path: tuple[str, ...]) -> None:
    command = LEAVES[path]
    assert isinstance(command, Leaf)
    line = first_line(command)
    assert line.endswith(".")
    assert line[0].isupper()
    assert len(line) <= 79


@every_command
def test_help_ends_with_two_examples_that_parse(path: tuple[str, ...]) -> None:
    command = LEAVES[path]
    assert isinstance(command, Leaf)
    assert len(command.examples) >= 2
    help_text = command.get_help(click.Context(command, info_name=" ".join(("cavewall", *path))))
    assert help_text.rstrip().endswith(command.examples[-1])
    for example in command.examples:
        words = shlex.split(example.rpartition("| ")[2], comments=True)
        assert words[: len(path) + 1] == ["cavewall", *path]
        command.make_context(" ".join(path), words[len(path) + 1 :])  # raises UsageError if it cannot be read


@every_command
def test_every_option_shows_its_variable_and_says_what_it_does(path: tuple[str, ...]) -> None:
    for parameter in LEAVES[path].params:
        if isinstance(parameter, click.Option) and "--version" not in parameter.opts:
            assert parameter.show_envvar, f"{parameter.opts} of {path}"
            assert parameter.help, f"{parameter.opts} of {path}"


@every_command
def test_help_of_every_command_needs_no_zoo(path: tuple[str, ...], call: object, nowhere: Path) -> None:
    result = call(*path, "--help")  # type: ignore[operator]
    assert result.exit_code == 0
    assert result.stderr == ""
