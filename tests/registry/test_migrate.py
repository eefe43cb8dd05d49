"""A database's schema version is looked at cheaply, refused clearly, and raised without loss."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, inspect, text

from registry.database import is_sqlite, make_engine
from registry.errors import DatabaseError, SchemaVersionError, UsageError
from registry.handle import Registry
from registry.migrate import (
    check_schema,
    current_revision,
    downgrade,
    head_revision,
    known_revisions,
    migrations_folder,
    upgrade,
    upgrade_sql,
)

HEAD = head_revision()
REPOSITORY = Path(__file__).parents[2]


def execute(engine: Engine, statement: str) -> None:
    with engine.connect() as connection, connection.begin():
        connection.execute(text(statement))


def run_python(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


def test_new_registry_has_the_newest_schema(registry: Registry) -> None:
    check_schema(registry.engine)
    assert current_revision(registry.engine) == HEAD == known_revisions()[-1]


def test_second_upgrade_does_nothing(registry: Registry, tmp_path: Path) -> None:
    assert upgrade(registry.engine) is None
    assert upgrade(registry.engine, "0002") is None
    assert current_revision(registry.engine) == HEAD
    assert list(tmp_path.rglob("*.bak*")) == []
    assert upgrade_sql(registry.engine) == ""


def test_older_schema_is_refused_with_the_command_to_run(empty_engine: Engine) -> None:
    upgrade(empty_engine, "0003")
    with pytest.raises(SchemaVersionError) as refusal:
        check_schema(empty_engine)
    assert refusal.value.exit_code == 5
    assert refusal.value.message == f"the registry has schema 0003, this version needs {HEAD}"
    assert "cavewall db upgrade" in refusal.value.hint


def test_newer_schema_is_refused_by_every_way_in(empty_engine: Engine) -> None:
    upgrade(empty_engine)
    execute(empty_engine, "UPDATE alembic_version SET version_num = '9000'")
    for way_in in (check_schema, upgrade, upgrade_sql, lambda engine: downgrade(engine, "0001")):
        with pytest.raises(SchemaVersionError, match="has schema 9000") as refusal:
            way_in(empty_engine)
        assert "newer version of cavewall" in refusal.value.hint
    assert current_revision(empty_engine) == "9000"


@pytest.mark.parametrize("of_another_program", [False, True])
def test_foreign_database_is_refused_and_left_alone(empty_engine: Engine, of_another_program: bool) -> None:
    execute(empty_engine, "CREATE TABLE invoice (id INTEGER)")
    if of_another_program:
        execute(empty_engine, "CREATE TABLE alembic_version (version_num VARCHAR(32))")
        execute(empty_engine, "INSERT INTO alembic_version VALUES ('ae1027a6acf')")
    for way_in in (check_schema, upgrade, upgrade_sql, lambda engine: downgrade(engine, "base")):
        with pytest.raises(SchemaVersionError, match="not a cavewall registry"):
            way_in(empty_engine)
    tables = {"alembic_version", "invoice"} if of_another_program else {"invoice"}
    assert set(inspect(empty_engine).get_table_names()) == tables


def test_empty_database_is_no_registry(empty_engine: Engine) -> None:
    assert current_revision(empty_engine) is None
    with pytest.raises(SchemaVersionError, match="not a cavewall registry") as refusal:
        check_schema(empty_engine)
    assert "cavewall init" in refusal.value.hint


def test_refusal_shows_no_password(postgres_url: str) -> None:
    engine = make_engine(postgres_url.replace("cavewall@", "cavewall:secret@"))
    execute(engine, "DROP TABLE alembic_version")
    with pytest.raises(SchemaVersionError) as refusal:
        check_schema(engine)
    engine.dispose()
    assert "secret" not in refusal.value.message


def test_unknown_revision_is_a_usage_error(empty_engine: Engine) -> None:
    with pytest.raises(UsageError, match="no schema '7777'"):
        upgrade(empty_engine, "7777")
    with pytest.raises(UsageError, match="no schema 'head'"):
        downgrade(empty_engine, "head")


def test_upgrade_copies_an_sqlite_registry_first(empty_engine: Engine, tmp_path: Path) -> None:
    assert upgrade(empty_engine, "0003") is None
    execute(empty_engine, "INSERT INTO family (id, name) VALUES (1, 'kept')")
    copy = upgrade(empty_engine)
    if not is_sqlite(empty_engine):
        assert copy is None
        return
    assert copy == tmp_path / "registry.sqlite.0003.bak"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("0003",)]
        assert connection.execute("SELECT name FROM family").fetchall() == [("kept",)]
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_earlier_copy_is_never_overwritten(sqlite_registry: Registry) -> None:
    engine = sqlite_registry.engine
    copies = []
    for name in ("first", "second"):
        downgrade(engine, "0004")
        execute(engine, f"INSERT INTO family (name) VALUES ('{name}')")
        copies.append(upgrade(engine))
    folder = Path(str(engine.url.database)).parent
    assert copies == [folder / "registry.sqlite.0004.bak", folder / "registry.sqlite.0004-2.bak"]
    with closing(sqlite3.connect(str(copies[0]))) as connection:
        assert connection.execute("SELECT name FROM family").fetchall() == [("first",)]
    assert not list(folder.glob("*.incomplete*"))


def test_upgrade_stops_where_no_copy_can_be_made(sqlite_registry: Registry) -> None:
    engine = sqlite_registry.engine
    downgrade(engine, "0004")
    database = Path(str(engine.url.database))
    database.with_name("registry.sqlite.0004.bak.incomplete").write_bytes(b"")
    database.with_name("registry.sqlite.0004.bak.incomplete-journal").mkdir()
    with pytest.raises(DatabaseError, match="could not be copied"):
        upgrade(engine)
    assert current_revision(engine) == "0004"


def test_looking_at_the_schema_imports_no_alembic(sqlite_registry: Registry) -> None:
    code = (
        "import sys; from registry.database import make_engine; from registry.migrate import *;"
        "check_schema(make_engine(sys.argv[1])); head_revision();"
        "print([name for name in sys.modules if name.startswith('alembic')])"
    )
    done = run_python(code, REPOSITORY, sqlite_registry.settings.database)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_migrations_are_found_inside_the_package_of_a_wheel(tmp_path: Path) -> None:
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "registry", tmp_path / "registry", ignore=ignored)
    shutil.copytree(migrations_folder(), tmp_path / "registry" / "migrations", ignore=ignored)
    code = (
        "import sys; from registry.database import make_engine; from registry.migrate import *;"
        "engine = make_engine('sqlite:///registry.sqlite'); upgrade(engine); check_schema(engine);"
        "print(migrations_folder(), current_revision(engine))"
    )
    done = run_python(code, tmp_path)
    assert (done.stdout, done.stderr) == (f"{tmp_path / 'registry' / 'migrations'} {HEAD}\n", "")


def test_two_upgrades_at_once_both_end_well(empty_engine: Engine) -> None:
    code = (
        "import sys; from registry.database import make_engine; from registry.migrate import *;"
        "engine = make_engine(sys.argv[1]); upgrade(engine); check_schema(engine)"
    )
    url = empty_engine.url.render_as_string(hide_password=False)
    processes = [
        subprocess.Popen([sys.executable, "-c", code, url], cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    assert [process.communicate()[1] for process in processes] == ["", ""]
    check_schema(empty_engine)


def test_upgrade_is_silent_even_where_the_user_logs(
    empty_engine: Engine, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.INFO):
        upgrade(empty_engine)
    assert [record for record in caplog.records if record.name.startswith("alembic")] == []
    assert capsys.readouterr() == ("", "")


def test_upgrade_of_a_locked_database_is_one_clear_error(sqlite_registry: Registry) -> None:
    downgrade(sqlite_registry.engine, "0004")
    impatient = make_engine(sqlite_registry.engine.url)
    event.listen(impatient, "connect", lambda driver, _record: driver.execute("PRAGMA busy_timeout=50"))
    refused = pytest.raises(DatabaseError, match="changed nothing: database is locked")
    with sqlite_registry.engine.connect() as holder, holder.begin(), refused:
        upgrade(impatient)
    impatient.dispose()
    assert current_revision(sqlite_registry.engine) == "0004"
