from __future__ import annotations

from cavewall.groups import split_examples
from tests.cavewall.conftest import Call


def test_examples_are_taken_out_of_the_help() -> None:
    text = "First line.\n\nMore.\n\nExamples:\ncavewall a\ncavewall b --c 'd e'"
    assert split_examples(text) == ("First line.\n\nMore.", ["cavewall a", "cavewall b --c 'd e'"])


def test_help_without_examples_stays_whole() -> None:
    assert split_examples("First line.") == ("First line.", [])


def test_unknown_command_suggests_the_nearest(call: Call) -> None:
    result = call("stauts")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == "error: 'cavewall' has no command 'stauts'\n       did you mean status ?\n"


def test_unknown_subcommand_far_from_all_names_the_help(call: Call) -> None:
    result = call("db", "zzz")
    assert result.exit_code == 2
    assert "see: cavewall db --help" in result.stderr


def test_group_alone_shows_its_commands_on_stderr(call: Call) -> None:
    result = call("db")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "upgrade" in result.stderr
