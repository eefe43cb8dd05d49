"""Every step down and up again keeps the rows of the tables that exist on both sides."""

from __future__ import annotations

import pytest
from sqlalchemy import Engine

from registry.migrate import current_revision, downgrade, known_revisions, upgrade
from registry.tables import Table
from tests.migrations.rows import all_rows, fill

STEPS = list(zip(("base", *known_revisions()), known_revisions(), strict=False))


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
    assert below.keys() < before.keys()
    assert below == {table: before[table] for table in below}
    upgrade(empty_engine, upper)
    above = all_rows(empty_engine)
    assert above.keys() == before.keys()
    assert {table: above[table] for table in below} == below
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
