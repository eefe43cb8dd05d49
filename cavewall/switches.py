"""The switches that every command has: how much it says, in which form, and in which colours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from cavewall.invocation import Invocation

Callback = Callable[[click.Context, click.Parameter, Any], Any]


class Switch(click.Option):
    """An option that every command has; help lists these apart from the command's own."""


def remember(field: str, *, keeps: Callable[[Any], Any] = lambda value: value) -> Callback:
    """Return a click callback that stores an option in this call's invocation, if it was given."""

    def callback(context: click.Context, _parameter: click.Parameter, value: Any) -> Any:
        if value:  # a switch given to `cavewall` itself is not undone by the default of a command below
            setattr(context.ensure_object(Invocation), field, keeps(value))
        return value

    return callback


def switches() -> list[click.Option]:
    """Return fresh options, in the order in which help shows them."""
    switch = partial(Switch, expose_value=False, show_envvar=True)
    return [
        switch(
            ["-v", "--verbose"], envvar="CAVEWALL_VERBOSE", count=True, callback=remember("verbosity"),
            help="Say more; -vv says everything.",
        ),
        switch(
            ["-q", "--quiet"], envvar="CAVEWALL_QUIET", is_flag=True, callback=remember("is_quiet"),
            help="Only results and errors.",
        ),
        switch(
            ["--log-format"], envvar="CAVEWALL_LOG_FORMAT", type=click.Choice(["text", "json"]),
            callback=remember("log_format"), help="Log lines for people or for programs.",
        ),
        switch(
            ["--log-file"], envvar="CAVEWALL_LOG_FILE", metavar="FILE", callback=remember("log_file"),
            help="Write log lines to a file as well.",
        ),
        switch(
            ["--no-color"], envvar="CAVEWALL_NO_COLOR", is_flag=True,
            callback=remember("has_colour", keeps=lambda value: not value),
            help="No colours (also NO_COLOR).",
        ),
        switch(
            ["--debug"], envvar="CAVEWALL_DEBUG", is_flag=True, callback=remember("is_debug"),
            help="Show a traceback with an error.",
        ),
    ]  # fmt: skip
