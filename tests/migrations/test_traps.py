"""What can go wrong inside a migration loses nothing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, String

from registry.database import make_engine
from registry.errors import DatabaseError
from registry.handle import Registry
from registry.migrate import current_revision, downgrade, head_revision, migrations_folder, upgrade
from tests.migrations.description import describe
from tests.migrations.rows import all_rows, fill

HEAD = head_revision()
NEXT = f"{int(HEAD) + 1:04}"
AFTER_NEXT = f"{int(HEAD) + 2:04}"

PARENT_WITH_CHILDREN = """
    op.create_table(
        "parent",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
    )
    op.create_table(
        "child",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("parent_id", sa.Integer, sa.ForeignKey("parent.id", ondelete="CASCADE"), nullable=False),
    )
    op.execute("INSERT INTO parent VALUES (1, 10), (2, 20)")
    op.execute("INSERT INTO child VALUES (1, 1), (2, 1), (3, 2)")
"""
REBUILD_PARENT = """
    with op.batch_alter_table("parent", recreate="auto") as batch:
        batch.alter_column("size", type_=sa.BigInteger, existing_type=sa.Integer)
        batch.create_check_constraint("size_is_positive", "size > 0")
"""
REBUILD_CHECKPOINT = """
    with op.batch_alter_table("checkpoint") as batch:
        batch.alter_column("architecture", type_=sa.String(200), existing_type=sa.String)
        batch.drop_constraint(op.f("ck_checkpoint_step_is_a_count"), type_="check")
"""
HALF_WAY = """
    op.create_table("half", sa.Column("id", sa.Integer, primary_key=True))
    op.execute("UPDATE checkpoint SET architecture = 'changed'")
    op.drop_table("alignment")
    with op.batch_alter_table("name") as batch:
        batch.alter_column("name", type_=sa.String(50), existing_type=sa.String)
"""
FAILURES = {
    "in Python": (HALF_WAY + "    raise RuntimeError('planted')\n", RuntimeError, "planted"),
    "in SQL": (
        HALF_WAY + "    op.execute('INSERT INTO family (id) VALUES (99)')\n",
        DatabaseError,
        "changed nothing",
    ),
}


def folder_with(tmp_path: Path, *bodies: str) -> Path:
    """Return a copy of the migrations that goes on with one more revision per body."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrations_folder(), folder, ignore=shutil.ignore_patterns("__pycache__"))
    for position, body in enumerate(bodies):
        revision, previous = f"{int(HEAD) + 1 + position:04}", f"{int(HEAD) + position:04}"
        lines = [
            "import sqlalchemy as sa",
            "from alembic import op",
            f"revision, down_revision = {revision!r}, {previous!r}",
            f"def upgrade():{body}",
            "def downgrade():",
            "    pass",
        ]
        (folder / "versions" / f"{revision}_planted.py").write_text("\n".join(lines))
    return folder


def test_rebuilding_a_parent_keeps_the_children_that_cascade(empty_engine: Engine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, PARENT_WITH_CHILDREN, REBUILD_PARENT)
    upgrade(empty_engine, NEXT, folder=folder)
    before = all_rows(empty_engine)
    assert len(before["child"]) == 3
    upgrade(empty_engine, AFTER_NEXT, folder=folder)
    assert all_rows(empty_engine) == before
    assert any("size > 0" in line for line in describe(empty_engine))


def test_the_trap_is_real_with_foreign_keys_on(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'registry.sqlite'}")
    upgrade(engine, NEXT, folder=folder_with(tmp_path, PARENT_WITH_CHILDREN))
    with engine.connect() as connection, connection.begin():
        operations = Operations(MigrationContext.configure(connection))
        with operations.batch_alter_table("parent", recreate="always") as batch:
            batch.alter_column("size", type_=String())
    assert all_rows(engine)["child"] == []
    engine.dispose()


def test_rebuilding_the_checkpoints_keeps_every_row_and_name(empty_engine: Engine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, REBUILD_CHECKPOINT)
    upgrade(empty_engine)
    fill(empty_engine)
    rows, schema = all_rows(empty_engine), describe(empty_engine)
    upgrade(empty_engine, folder=folder)
    assert all_rows(empty_engine) == rows
    lost = {line for line in schema if line not in describe(empty_engine)}
    named = {re.sub(r".*(ck_checkpoint_step_is_a_count|architecture).*", r"\1", line) for line in lost}
    assert named == {"ck_checkpoint_step_is_a_count", "architecture"}


def test_foreign_keys_are_enforced_again_after_a_migration(sqlite_registry: Registry, tmp_path: Path) -> None:
    engine = sqlite_registry.engine
    with pytest.raises(RuntimeError):
        upgrade(engine, folder=folder_with(tmp_path, FAILURES["in Python"][0]))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    downgrade(engine, "0001")
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


@pytest.mark.parametrize("failure", FAILURES)
def test_failing_half_way_leaves_the_old_schema_and_rows_whole(
    empty_engine: Engine, tmp_path: Path, failure: str
) -> None:
    body, error, message = FAILURES[failure]
    folder = folder_with(tmp_path, PARENT_WITH_CHILDREN, body)
    upgrade(empty_engine)
    fill(empty_engine)
    rows, schema = all_rows(empty_engine), describe(empty_engine)
    with pytest.raises(error, match=message):
        upgrade(empty_engine, folder=folder)
    assert current_revision(empty_engine) == HEAD
    assert all_rows(empty_engine) == rows
    assert describe(empty_engine) == schema


def test_a_migration_that_orphans_rows_is_not_committed(empty_engine: Engine, tmp_path: Path) -> None:
    folder = folder_with(tmp_path, "\n    op.execute('DELETE FROM checkpoint')\n")
    upgrade(empty_engine)
    fill(empty_engine)
    rows = all_rows(empty_engine)
    with pytest.raises(DatabaseError, match="checkpoint"):
        upgrade(empty_engine, folder=folder)
    assert current_revision(empty_engine) == HEAD
    assert all_rows(empty_engine) == rows
