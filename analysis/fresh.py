"""Ask the registry itself: the public views over rows that are read now, for choosing checkpoints.

What answers questions at leisure is the snapshot. A choice of what to work on cannot wait for the next one,
so the few tables that its question needs are read in one transaction; the alignment, which may have millions
of rows, is not among them.
"""

from __future__ import annotations

import re
from functools import cache

import pyarrow as pa
from sqlalchemy import select
from sqlalchemy.orm import Session

from analysis.arrow_types import arrow_table
from analysis.exports import ALIGNMENT, LAYER_GRID, small_tables
from analysis.functions import function_statements
from analysis.sandbox import DEFAULT_LIMITS, Limits, answer, lock, unlocked_connection
from analysis.views import VIEWS, definition
from registry.errors import UsageError

_STORED = re.compile(r"\bstored_([a-z_]+)\b")
_RELATION = re.compile(r"\b(?:FROM|JOIN)\s+([a-z_]+)")
_ONLY_IN_SNAPSHOTS = frozenset({ALIGNMENT, LAYER_GRID})


def ask_fresh(session: Session, sql: str, *, limits: Limits = DEFAULT_LIMITS) -> pa.Table:
    """Return the rows of one question over the tables as they are in this transaction.

    Raises:
        UsageError: it is not one question, DuckDB refuses it, or it needs the alignment.
        DatabaseError: it took longer, or more memory, than the limits allow.
    """
    mentioned = _views_in(sql)
    there = [view for view in mentioned if not _ONLY_IN_SNAPSHOTS & _stored_behind(view)]
    with unlocked_connection(limits) as connection:
        needed = {table for view in there for table in _stored_behind(view)}
        for table in small_tables():
            if table.name in needed:
                rows = session.execute(select(table).order_by(*table.primary_key.columns)).all()
                connection.register(f"stored_{table.name}", arrow_table(table, rows))
        for view in there:
            connection.execute(f"CREATE VIEW {view} AS\n{definition(view)}")
        for statement in function_statements():
            connection.execute(statement)
        lock(connection)
        try:
            return answer(connection, sql, limits=limits)
        except UsageError as error:
            _explain_missing([view for view in mentioned if view not in there], error)
            raise


def _views_in(sql: str) -> list[str]:
    """Return the public views whose names stand in a question, and those that they are made of, in order.

    A name may stand there as something else; then its rows are read for nothing.
    """
    words = set(re.findall(r"[a-z_]+", sql.lower()))
    found = {part for view in VIEWS if view in words for part in _parts(view)}
    return [view for view in VIEWS if view in found]


@cache
def _parts(view: str) -> frozenset[str]:
    """Return a view with those that it is made of."""
    parts = set(_RELATION.findall(definition(view))) & set(VIEWS) - {view}
    return frozenset({view}.union(*(_parts(part) for part in parts)))


@cache
def _stored_behind(view: str) -> frozenset[str]:
    """Return the stored tables that a view is made of, by way of other views too."""
    return frozenset(table for part in _parts(view) for table in _STORED.findall(definition(part)))


def _explain_missing(left_out: list[str], error: UsageError) -> None:
    """Say why a view is not there, where DuckDB did not find it."""
    missing = [view for view in left_out if f"Table with name {view} " in error.message]
    if missing:
        raise UsageError(
            f"checkpoints cannot be chosen by the view '{missing[0]}', which only a snapshot holds",
            hint="ask for their names first: cavewall sql",
        ) from error
