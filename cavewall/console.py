"""The two streams: results on stdout, everything else on stderr."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING, TextIO

import click

from cavewall.invocation import colour_wanted, current_invocation
from registry.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

ASCII = str.maketrans(
    {
        "–": "-", "—": "-", "·": ".", "✗": "x", "✓": "v", "→": "->", "…": "...", "±": "+-", "×": "x",  # noqa: RUF001
        "−": "-", "━": "-", "▲": "^", "▼": "v", "█": "#",  # noqa: RUF001
    }
)  # fmt: skip
UNLIMITED = 100_000


def fitted(text: str, stream: TextIO) -> str:
    """Return the text as the stream's encoding can show it: plain ASCII signs unless it is Unicode."""
    encoding = (getattr(stream, "encoding", None) or "utf-8").lower().replace("-", "").replace("_", "")
    if encoding.startswith("utf"):
        return text
    return text.translate(ASCII).encode(encoding, "replace").decode(encoding)


def say(text: str) -> None:
    """Print a result."""
    click.echo(fitted(text, sys.stdout))


def note(text: str) -> None:
    """Print what is not a result: where things are, what comes next."""
    if not current_invocation().is_quiet:
        click.echo(fitted(text, sys.stderr), err=True)


def without_password(text: str) -> str:
    """Return a text in which no database address shows its password."""
    return re.sub(r"(://[^:/@\s]*:)[^@\s]+@", r"\1***@", text)


def width_of(stream: TextIO) -> int:
    """Return how many columns to fill: `COLUMNS`, the terminal's width, or no limit where there is none."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns)
    if stream.isatty():
        return os.get_terminal_size(stream.fileno()).columns or UNLIMITED
    return UNLIMITED


def rich_console(stream: TextIO) -> Console:
    """Return a rich console on a stream, with this call's colour and width."""
    from rich.console import Console

    invocation = current_invocation()
    is_file = invocation.writes_file and stream is sys.stdout
    wanted = colour_wanted(os.environ, has_colour=invocation.has_colour and not is_file)
    return Console(
        file=stream,
        width=UNLIMITED if is_file else width_of(stream),
        force_terminal=wanted,  # None leaves it to the stream; False also switches bold off
        highlight=False,
        markup=False,
        emoji=False,
    )


def confirm(question: str, *, yes: bool) -> None:
    """Go on only if the user agrees: by `--yes`, or on a terminal by answering.

    Raises:
        UsageError: there is no terminal to ask on.
        click.Abort: the answer was no.
    """
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageError(f"{question} needs an answer, and there is no terminal", hint="add --yes to agree")
    click.confirm(question, abort=True, err=True)
