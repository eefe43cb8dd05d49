from __future__ import annotations

from collections.abc import Callable

import pytest

from cavewall.prompt import converse
from registry.errors import UsageError


def typed(*lines: str) -> Callable[[str], str]:
    left = list(lines)

    def read_line(_prompt: str) -> str:
        if not left:
            raise EOFError
        return left.pop(0)

    return read_line


def test_a_question_ends_with_a_semicolon_or_an_empty_line() -> None:
    asked: list[str] = []
    converse(asked.append, [], typed("select 1;", "select", "2;", "from x", "", "", ".quit", "select 9;"))
    assert asked == ["select 1", "select\n2", "from x"]


def test_refusal_is_printed_and_the_next_question_asked(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []

    def answer(text: str) -> None:
        asked.append(text)
        if text == "bad":
            raise UsageError("no such thing", hint="ask for another")

    converse(answer, [], typed("bad;", "good;"))
    assert asked == ["bad", "good"]
    assert "error: no such thing\n       ask for another\n" in capsys.readouterr().err


def test_help_is_no_question(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []
    converse(asked.append, [], typed(".help", ".views"))
    assert asked == []
    assert "cavewall sql --schema" in capsys.readouterr().err
