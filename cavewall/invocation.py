"""What one call of the program was told about how to speak."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import click


@dataclass
class Invocation:
    """Switches that every command shares; filled while the command line is read."""

    format: str | None = None
    output: str | None = None
    is_quiet: bool = False
    verbosity: int = 0
    log_format: str = "text"
    log_file: str | None = None
    has_colour: bool = True
    is_debug: bool = False

    @property
    def writes_file(self) -> bool:
        """Return whether the result goes to a file, where no terminal's width or colours count."""
        return self.output not in (None, "-")

    @property
    def wants_json_errors(self) -> bool:
        """Return whether a program reads this call's errors."""
        return self.format in ("json", "jsonl")


def current_invocation() -> Invocation:
    """Return the running command's invocation."""
    context = click.get_current_context(silent=True)
    found = context.find_object(Invocation) if context is not None else None
    return found or Invocation()


def format_asked_for(arguments: Sequence[str]) -> str | None:
    """Return the value of `--format` in raw arguments, for a command line that could not be read."""
    for position, argument in enumerate(arguments):
        if argument.startswith("--format="):
            return argument.removeprefix("--format=")
        if argument == "--format" and position + 1 < len(arguments):
            return arguments[position + 1]
    return None


def colour_wanted(environment: Mapping[str, str], *, has_colour: bool) -> bool | None:
    """Return whether to colour whatever the stream is; None leaves it to the stream being a terminal."""
    if not has_colour or environment.get("NO_COLOR") or environment.get("TERM") == "dumb":
        return False
    return True if environment.get("FORCE_COLOR") else None


def apply_colour(context: click.Context, invocation: Invocation) -> None:
    """Tell click, for this command and those above it, whether to colour."""
    wanted = colour_wanted(os.environ, has_colour=invocation.has_colour)
    above: click.Context | None = context
    while above is not None:
        above.color = wanted
        above = above.parent
