"""`--format` of the commands that import: the form of the file, and, where one is named, of the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

import click

from cavewall.options import option
from cavewall.output import FORMATS, choose_output
from cavewall.switches import remember
from registry.errors import UsageError


def import_options(formats: Sequence[str]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the decorator that adds `--format` and `-o`, received as `file_format` and `output`.

    Args:
        formats: the names of the files' formats, which share the option with the forms of a result.
    """

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def with_output(*arguments: Any, **keywords: Any) -> Any:
            given = keywords.pop("format")
            of_file = [word for word in given if word not in FORMATS]
            of_result = [word for word in given if word in FORMATS]
            if len(of_file) > 1 or len(of_result) > 1:
                raise UsageError(
                    f"--format names several forms: {', '.join(given)}",
                    hint="give one of the files, and at most one of the result",
                )
            output = choose_output(of_result[0] if of_result else None, keywords.pop("output"))
            return function(
                *arguments, file_format=of_file[0] if of_file else None, output=output, **keywords
            )

        to_file = option(
            "-o",
            "--output",
            metavar="FILE",
            callback=remember("output"),
            help="Write the result to a file; its suffix gives the form (csv json jsonl md parquet txt).",
        )
        in_form = option(
            "--format",
            type=click.Choice([*formats, *FORMATS]),
            multiple=True,
            is_eager=True,
            callback=_remember_result,
            metavar="FORMAT",
            help=f"Of the files: {', '.join(formats)}; a second one of the result: {', '.join(FORMATS)}.",
        )
        return in_form(to_file(with_output))

    return decorate


def _remember_result(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> Any:
    of_result = next((word for word in value if word in FORMATS), None)
    remember("format")(context, parameter, of_result)
    return value
