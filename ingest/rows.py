"""Rows that are made on first use, by whichever session comes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from registry.tables import Table

Row = TypeVar("Row", bound=Table)


def get_or_add(
    session: Session, table: type[Row], condition: ColumnElement[bool], make: Callable[[], Row]
) -> Row:
    """Return the row that a condition on a unique key finds, or the one that `make` makes.

    A concurrent session that inserts the same key first wins: its row is returned.
    """
    found = session.scalar(select(table).where(condition))
    if found is not None:
        return found
    row = make()
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return session.scalars(select(table).where(condition)).one()
    return row
