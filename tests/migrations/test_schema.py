"""The migrations reach exactly the schema that the program maps."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from registry.database import is_sqlite, make_engine
from registry.migrate import known_revisions, migrations_folder, upgrade, upgrade_sql
from registry.tables import Table
from tests.migrations.description import describe, parts_of_table

CHANGES = {
    "a CHECK": ("score > -1e300 AND score < 1e300", "score > 0 AND score < 1e300"),
    "a predicate": ("WHERE ended_at IS NULL", "WHERE started_at IS NULL"),
    "WITHOUT ROWID": ("WITHOUT ROWID", ""),
}


def test_comparison_by_alembic_finds_no_difference(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    with empty_engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True}
        )
        assert compare_metadata(context, Table.metadata) == []


def test_migrated_and_created_databases_have_the_same_schema(empty_engine: Engine) -> None:
    Table.metadata.create_all(empty_engine)
    created = describe(empty_engine)
    Table.metadata.drop_all(empty_engine)
    assert describe(empty_engine) == []
    upgrade(empty_engine)
    assert describe(empty_engine) == created


def test_sql_text_of_an_upgrade_makes_the_same_schema(empty_engine: Engine) -> None:
    text = upgrade_sql(empty_engine)
    with empty_engine.connect() as connection:
        driver = connection.connection.driver_connection
        assert driver is not None
        if is_sqlite(empty_engine):
            driver.executescript(text)
        else:
            driver.execute(text)
            driver.commit()
    by_text = describe(empty_engine)
    assert upgrade_sql(empty_engine) == ""
    Table.metadata.drop_all(empty_engine)
    Table.metadata.create_all(empty_engine)
    assert by_text == describe(empty_engine)


@pytest.mark.parametrize(("old", "new"), list(CHANGES.values()), ids=list(CHANGES))
def test_description_sees_what_alembic_does_not(tmp_path: Path, old: str, new: str) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    before = describe(engine)
    with engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("PRAGMA writable_schema=ON")
        changed = connection.exec_driver_sql(
            "UPDATE sqlite_master SET sql = replace(sql, ?, ?) WHERE instr(sql, ?)", (old, new, old)
        )
        assert changed.rowcount >= 1
    engine.dispose()
    assert describe(engine) != before


def test_parts_of_a_table_are_split_outside_parentheses_and_quotes() -> None:
    parts, options = parts_of_table("CREATE TABLE t (a INT, CHECK (a IN ('x,)', 'y')), b INT) WITHOUT ROWID")
    assert parts == ["a INT", "CHECK (a IN ('x,)', 'y'))", "b INT"]
    assert options == "WITHOUT ROWID"


def test_alignment_has_no_rowid_on_sqlite(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine)
    with engine.connect() as connection:
        without_rowid = {
            row.name
            for row in connection.exec_driver_sql("PRAGMA table_list")
            if row.wr and row.schema == "main"
        }
    engine.dispose()
    assert without_rowid == {"alignment"}


def test_revisions_are_one_line_and_named_as_their_files() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()))
    walked = [script.revision for script in ScriptDirectory.from_config(config).walk_revisions()]
    assert tuple(reversed(walked)) == known_revisions()
    assert known_revisions() == tuple(f"{number:04}" for number in range(1, len(walked) + 1))


def test_migrations_import_nothing_of_this_project() -> None:
    for path in (migrations_folder() / "versions").glob("*.py"):
        imported = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0
                imported.add(str(node.module).split(".")[0])
        assert imported <= {"__future__", "alembic", "sqlalchemy"}, path.name
