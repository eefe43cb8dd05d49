from __future__ import annotations

import io
from pathlib import Path

import pytest

from cavewall.console import UNLIMITED, confirm, fitted, width_of, without_password
from cavewall.invocation import colour_wanted, format_asked_for
from registry.errors import UsageError
from registry.handle import Registry
from tests.cavewall.conftest import Call


def stream(encoding: str) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding=encoding)


def test_unicode_stays_where_the_stream_can_show_it() -> None:
    assert fitted("a → b ± 1 · –", stream("utf-8")) == "a → b ± 1 · –"  # noqa: RUF001


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_signs_become_ascii_where_it_cannot(encoding: str) -> None:
    shown = fitted("a → b · – 日", stream(encoding))  # noqa: RUF001
    assert shown == "a -> b . - ?"
    shown.encode("ascii")


def test_colours_follow_the_environment() -> None:
    assert colour_wanted({}, has_colour=True) is None
    assert colour_wanted({"NO_COLOR": "1"}, has_colour=True) is False
    assert colour_wanted({"TERM": "dumb"}, has_colour=True) is False
    assert colour_wanted({"FORCE_COLOR": "1"}, has_colour=True) is True
    assert colour_wanted({"FORCE_COLOR": "1", "NO_COLOR": "1"}, has_colour=True) is False
    assert colour_wanted({"FORCE_COLOR": "1"}, has_colour=False) is False


def test_piped_output_has_no_escape_codes_unless_forced(
    call: Call, zoo: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "\x1b" not in call("config", "show").stdout
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b" in call("config", "show").stdout
    assert "\x1b" not in call("config", "show", "--no-color").stdout
    result = call("--no-color", "config", "show")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout


def test_width_is_unlimited_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width_of(io.StringIO()) == UNLIMITED
    monkeypatch.setenv("COLUMNS", "72")
    assert width_of(io.StringIO()) == 72


def test_question_without_a_terminal_needs_yes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    with pytest.raises(UsageError) as caught:
        confirm("Retire 3 checkpoints?", yes=False)
    assert caught.value.hint == "add --yes to agree"
    confirm("Retire 3 checkpoints?", yes=True)


@pytest.mark.parametrize(
    ("arguments", "form"),
    [(["a", "--format", "json"], "json"), (["--format=csv"], "csv"), (["--format"], None), (["a"], None)],
)
def test_form_is_found_in_arguments_that_could_not_be_read(arguments: list[str], form: str | None) -> None:
    assert format_asked_for(arguments) == form


def test_password_of_an_address_is_hidden_and_the_rest_stays() -> None:
    text = "postgresql+psycopg://me:se:cr/et@host:5432/zoo and sqlite:////tmp/a@b/c.sqlite"
    assert (
        without_password(text) == "postgresql+psycopg://me:***@host:5432/zoo and sqlite:////tmp/a@b/c.sqlite"
    )


def test_table_in_a_file_has_neither_the_width_nor_the_colours_of_the_terminal(
    call: Call, zoo: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    monkeypatch.setenv("FORCE_COLOR", "1")
    call("config", "show", "-o", tmp_path / "x.txt")
    text = (tmp_path / "x.txt").read_text()
    assert "\x1b" not in text
    assert str(zoo.settings.database) in text
