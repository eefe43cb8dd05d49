"""`cavewall sql`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cavewall.durations import duration
from cavewall.groups import Leaf
from cavewall.opening import opened
from cavewall.options import db_option, option, output_options
from cavewall.output import Output
from cavewall.rendering import Column, columns_of, plural, shown
from registry.errors import InputError, UsageError

if TYPE_CHECKING:
    from analysis.answers import Answer
    from registry.handle import Registry

ROWS_FOR_PEOPLE = 1000


@click.command(cls=Leaf)
@click.argument("question", required=False)
@option("-f", "--file", metavar="FILE", help="Read the question from a file; - is stdin.")
@option("-p", "--parameter", multiple=True, metavar="NAME=VALUE", help="A value for $NAME in the question.")
@option("--snapshot", metavar="N|NAME", help="Which snapshot.  [default: the newest]")
@option(
    "--timeout", type=duration, default=10.0, metavar="TIME", help="Stop after this time.  [default: 10s]"
)
@option("--schema", is_flag=True, help="Show the public views and the functions beside them.")
@db_option
@output_options
def command(
    question: str | None,
    file: str | None,
    parameter: tuple[str, ...],
    snapshot: str | None,
    timeout: float,
    schema: bool,
    database: str | None,
    output: Output,
) -> None:
    """Ask the newest snapshot in SQL.

    The dialect is DuckDB's. A question reads the public views and nothing else: no file, no network.

    Examples:
    cavewall sql "from alignment limit 5"
    cavewall sql -f question.sql -p k=10 -o answer.parquet
    """
    if schema:
        _show_schema(output)
        return
    text = _question(question, file)
    values = dict(_parameter(given) for given in parameter)
    with opened(database) as registry:
        if text is None:
            _prompt(registry, snapshot, timeout, output)
            return
        _show(_ask(registry, text, values, snapshot, timeout), output)


def _ask(
    registry: Registry, text: str, values: dict[str, Any], snapshot: str | None, timeout: float
) -> Answer:
    from analysis.answers import ask
    from analysis.sandbox import Limits

    return ask(registry, text, values or None, snapshot=snapshot, limits=Limits(seconds=timeout))


def _show_schema(output: Output) -> None:
    from analysis.functions import describe_functions
    from analysis.views import describe_views

    rows = [vars(column) for column in describe_views()]
    for function in describe_functions():
        rows.append(
            {
                "view": "(function)",
                "column": function.call,
                "type": function.type,
                "meaning": function.meaning,
            }
        )
    output.rows("sql-schema", rows, columns_of("view", "column", "type", "meaning"))


def _question(question: str | None, file: str | None) -> str | None:
    """Return the text of the question, None where a prompt has to ask for it."""
    if question is not None and file is not None:
        raise UsageError("both a question and a file were given", hint="leave one of them out")
    if file == "-" or question == "-" or (question is None and file is None and not sys.stdin.isatty()):
        return sys.stdin.read()
    if file is None:
        return question
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{file} cannot be read: {error}", hint="give a text file, or - for stdin"
        ) from error


def _parameter(given: str) -> tuple[str, Any]:
    """Return the name and the value of `NAME=VALUE`: a number, true, false or null where it reads as one."""
    name, separator, text = given.partition("=")
    if not separator or not name:
        raise UsageError(f"'{given}' is no parameter", hint="write NAME=VALUE, for example -p k=10")
    try:
        value = json.loads(text)
    except ValueError:
        return name, text
    return name, value if value is None or isinstance(value, str | int | float | bool) else text


def _show(answer: Answer, output: Output) -> None:
    table = answer.table.rename_columns(_distinct(answer.table.column_names))
    rows = table.to_pylist()
    columns = [_column(field) for field in table.schema]
    total = len(rows)
    visible = rows[:ROWS_FOR_PEOPLE] if output.is_for_people else rows
    count = plural(total, "row")
    if len(visible) < total:
        count = f"the first {len(visible):,} of {count} (all: -o FILE)"
    made = f"snapshot {answer.snapshot} of {shown(answer.snapshot_at)}"
    warnings = (
        [f"snapshot {answer.snapshot} is older than the registry: cavewall snapshot build"]
        if answer.is_stale
        else []
    )
    output.rows(
        "sql",
        visible,
        columns,
        footer=f"{count}, {answer.seconds * 1000:.0f} ms · {made}{'' if answer.is_stale else ', current'}",
        empty="no rows",
        warnings=warnings,
        arrow=table,
    )


def _distinct(names: Sequence[str]) -> list[str]:
    """Return names that are all different: a mapping would keep only the last of two columns called alike."""
    found: list[str] = []
    for name in names:
        number, candidate = 1, name
        while candidate in found:
            candidate, number = f"{name}_{number}", number + 1
        found.append(candidate)
    return found


def _column(field: Any) -> Column:
    import pyarrow.types as kinds

    is_number = kinds.is_integer(field.type) or kinds.is_floating(field.type) or kinds.is_decimal(field.type)
    return Column(field.name, kind="number" if is_number else "text")


def _prompt(registry: Registry, snapshot: str | None, timeout: float, output: Output) -> None:
    from analysis.functions import FUNCTIONS
    from analysis.views import describe_views
    from cavewall.prompt import converse

    words = {word for column in describe_views() for word in (column.view, column.column)} | {*FUNCTIONS}
    converse(lambda text: _show(_ask(registry, text, {}, snapshot, timeout), output), sorted(words))
