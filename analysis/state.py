"""A token of the registry's state: cheap, and equal as long as nothing that a snapshot shows has changed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    DateTime,
    Float,
    Integer,
    Text,
    case,
    cast,
    func,
    select,
)
from sqlalchemy import Table as Relation
from sqlalchemy.orm import Session

from analysis.arrow_types import plain_type
from registry.keys import canonical_json, sha256_of_bytes
from registry.tables import Table

# Runs and failures are the diary of what was done; whatever a run really changed stands in another table.
# Alignment rows count as far as the watermarks of their slots say. Rates of hosts serve estimates alone.
_NOT_COUNTED = frozenset({"alignment", "failure", "host_rate", "run", "snapshot"})


def state_token(session: Session) -> str:
    """Return a digest of row counts and of sums and maxima over the columns of every small table.

    Far cheaper than reading the rows: one aggregate per table, none of them over the alignment. A word that
    is replaced by another of the same length, with nothing else changed, is not seen.
    """
    tables = [table for name, table in sorted(Table.metadata.tables.items()) if name not in _NOT_COUNTED]
    values = {table.name: [str(value) for value in _aggregates(session, table)] for table in tables}
    return sha256_of_bytes(canonical_json(values).encode())


def _aggregates(session: Session, table: Relation) -> list[Any]:
    columns = [expression for column in table.columns for expression in _of_column(column)]
    return list(session.execute(select(func.count(), *columns).select_from(table)).one())


def _of_column(column: Column[Any]) -> Iterator[ColumnElement[Any]]:
    kind = plain_type(column.type)
    yield func.count(column)
    if isinstance(kind, Boolean):
        yield func.sum(case((column, 1), else_=0))
    elif isinstance(kind, BigInteger | Float | DateTime):
        yield func.max(column)  # sums of these overflow, or depend on their order
    elif isinstance(kind, Integer):
        yield func.sum(column)
    elif isinstance(kind, JSON):
        yield func.sum(func.length(cast(column, Text)))
    else:
        yield func.sum(func.length(column))
        yield func.max(column)
