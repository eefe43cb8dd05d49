"""Options that several commands share, as decorators put on each of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, wraps
from typing import Any, TypeVar

import click

from cavewall.output import FORMATS, choose_output
from cavewall.switches import remember

Function = TypeVar("Function", bound=Callable[..., Any])

option = partial(click.option, show_envvar=True)


def db_option(function: Function) -> Function:
    """Add `--db`, which registry, as `database`."""
    return option(
        "--db",
        "database",
        envvar="CAVEWALL_DB",
        metavar="URL",
        help="The registry: a folder, an SQLite file or a database URL.  [default: the zoo of this folder]",
    )(function)


def output_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--format` and `-o`, which the command receives as one `output`."""

    @wraps(function)
    def with_output(*arguments: Any, **keywords: Any) -> Any:
        output = choose_output(keywords.pop("format"), keywords.pop("output"))
        return function(*arguments, output=output, **keywords)

    to_file = option(
        "-o",
        "--output",
        metavar="FILE",
        callback=remember("output"),
        help="Write to a file; its suffix gives the form (csv json jsonl md parquet txt).",
    )
    in_form = option(
        "--format",
        type=click.Choice(FORMATS),
        is_eager=True,  # read first, so that an error in another option is printed in this form
        callback=remember("format"),
        help="Form of the result.  [default: table]",
    )
    return in_form(to_file(with_output))


def dry_run_option(function: Function) -> Function:
    """Add `--dry-run`."""
    return option("--dry-run", is_flag=True, help="Say what would be done, and write nothing.")(function)


def trust_option(function: Function) -> Function:
    """Add `--trust-pickle`."""
    return option(
        "--trust-pickle",
        is_flag=True,
        allow_from_autoenv=False,  # a variable may stand in a profile; this is said for one command
        help="Load files that run code while they are read; the run records their digests.",
    )(function)


def yes_option(function: Function) -> Function:
    """Add `--yes`."""
    return option("--yes", is_flag=True, help="Do not ask (needed without a terminal).")(function)


def limit_option(function: Function) -> Function:
    """Add `--limit`."""
    return option("--limit", type=click.IntRange(min=1), metavar="N", help="At most N rows.")(function)
