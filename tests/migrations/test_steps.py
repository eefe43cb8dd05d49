"""Every step down and up again keeps the rows of the tables that exist on both sides."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from registry.migrate import current_revision, downgrade, known_revisions, upgrade
from registry.tables import Table
from tests.migrations.rows import Rows, all_rows, fill

STEPS = list(zip(("base", *known_revisions()), known_revisions(), strict=False))


def shared_columns(left: Rows, right: Rows) -> dict[str, set[str]]:
    """Return the columns that the tables of two schemas have in common."""
    return {table: set(rows[0]) & set(right[table][0]) for table, rows in left.items()}


def picked(rows: Rows, columns: dict[str, set[str]]) -> dict[str, list[str]]:
    """Return the rows of some tables as text, with some of their columns."""
    return {
        table: sorted(str(sorted((name, row[name]) for name in names)) for row in rows[table])
        for table, names in columns.items()
    }


def test_the_rows_to_keep_are_in_every_table(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    fill(empty_engine)
    rows = all_rows(empty_engine)
    assert set(rows) == set(Table.metadata.tables)
    assert all(rows.values())


@pytest.mark.parametrize(("lower", "upper"), STEPS)
def test_step_down_and_up_keeps_the_rows_of_both_schemas(
    empty_engine: Engine, lower: str, upper: str
) -> None:
    upgrade(empty_engine)
    fill(empty_engine)
    if upper != known_revisions()[-1]:
        downgrade(empty_engine, upper)
    before = all_rows(empty_engine)
    downgrade(empty_engine, lower)
    below = all_rows(empty_engine)
    assert below.keys() <= before.keys()
    shared = shared_columns(below, before)
    assert picked(below, shared) == picked(before, shared)
    upgrade(empty_engine, upper)
    above = all_rows(empty_engine)
    assert above.keys() == before.keys()
    assert picked(above, shared) == picked(below, shared)
    assert current_revision(empty_engine) == upper


def test_all_the_way_down_leaves_nothing_and_up_again_works(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    fill(empty_engine)
    downgrade(empty_engine, "base")
    assert all_rows(empty_engine) == {}
    assert current_revision(empty_engine) is None
    upgrade(empty_engine)
    fill(empty_engine)
    assert current_revision(empty_engine) == known_revisions()[-1]
