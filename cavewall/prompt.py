"""The prompt of `cavewall sql`: one question after the other, with history and completion."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import click

from cavewall.console import note
from registry.errors import RegistryError

HELP = "a question ends with ; or with its line if that is complete.   .views  .help  .quit"
HISTORY_LENGTH = 1000


def converse(
    answer: Callable[[str], None],
    words: Sequence[str],
    read_line: Callable[[str], str] = input,
) -> None:
    """Answer questions until the input ends; a refusal is printed and the next question asked.

    Args:
        answer: answers one question, or raises a RegistryError.
        words: names of views and columns, for completion.
        read_line: asks for a line, raises EOFError at the end.
    """
    _prepare(words)
    note(HELP)
    while True:
        try:
            text = _question(read_line)
        except EOFError:
            return
        except KeyboardInterrupt:
            note("")
            continue
        if text in (".quit", ".exit"):
            return
        if text in (".help", ".views"):
            note(HELP if text == ".help" else "cavewall sql --schema lists them; SHOW TABLES names them")
        elif text:
            _try(answer, text)


def _question(read_line: Callable[[str], str]) -> str:
    """Return one question: a command, or lines up to a semicolon or an empty line."""
    lines = [read_line("cavewall> ").strip()]
    while lines[-1] and not lines[0].startswith(".") and not lines[-1].endswith(";"):
        lines.append(read_line("     ...> ").strip())
    return "\n".join(lines).strip().rstrip(";").strip()


def _try(answer: Callable[[str], None], text: str) -> None:
    try:
        answer(text)
    except RegistryError as error:
        click.echo(f"error: {error.message}\n       {error.hint}", err=True)
    except KeyboardInterrupt:
        note("stopped")


def _prepare(words: Sequence[str]) -> None:
    """Give the line editor its history and completion, where Python has one and there is a terminal."""
    if not sys.stdin.isatty():
        return
    try:
        import atexit
        import readline
    except ImportError:
        return
    path = (
        Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        / "cavewall"
        / "sql_history"
    )
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        readline.read_history_file(path)
    readline.set_history_length(HISTORY_LENGTH)
    atexit.register(lambda: _keep_history(path))
    readline.set_completer(lambda start, number: _match(words, start, number))
    readline.parse_and_bind("tab: complete")


def _keep_history(path: Path) -> None:
    import readline

    with suppress(OSError):
        readline.write_history_file(path)


def _match(words: Sequence[str], start: str, number: int) -> str | None:
    found = [word for word in words if word.startswith(start)]
    return found[number] if number < len(found) else None
