"""The query functions: SQL macros that stand beside the public views, in the sandbox and in `views.sql`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import duckdb

FUNCTIONS = ("bh_threshold", "by_threshold")

_DESCRIPTION = re.compile(r"^-- (?P<call>(?P<name>[a-z_]+)\((?P<parameters>[a-z_, ]+)\)): (?P<meaning>.+)$")


@dataclass(frozen=True)
class QueryFunction:
    """One function that a question may use: how it is called, what it gives."""

    name: str
    call: str
    type: str
    meaning: str


@cache
def definition(function: str) -> str:
    """Return the statement that creates a function, with the comment that describes it."""
    return files("analysis").joinpath("sql", "functions", f"{function}.sql").read_text(encoding="utf-8")


def function_statements() -> list[str]:
    """Return the statements that create all query functions; they need no view."""
    return [definition(function) for function in FUNCTIONS]


def describe_functions() -> list[QueryFunction]:
    """Return every query function with the type of its value and what it means."""
    return [_described(function) for function in FUNCTIONS]


def _described(function: str) -> QueryFunction:
    (match,) = (
        found for found in map(_DESCRIPTION.match, definition(function).splitlines()) if found is not None
    )
    nothing = ", ".join("NULL" for _ in match["parameters"].split(","))
    with duckdb.connect() as connection:
        connection.execute(definition(function))
        (row,) = connection.execute(f"DESCRIBE SELECT {match['name']}({nothing})").fetchall()
    return QueryFunction(match["name"], match["call"], row[1], match["meaning"])
