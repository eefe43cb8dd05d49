from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import text

from registry.database import make_engine
from registry.database_health import SUBJECT, examine_database, examine_schema
from registry.findings import Finding, guarded
from registry.handle import Registry
from registry.migrate import downgrade, head_revision
from tests.pooler import transaction_pooler
from tests.postgres import Cluster


def test_a_healthy_database_is_ok(registry: Registry) -> None:
    (schema,) = examine_schema(registry.engine)
    assert schema == Finding("ok", "schema", f"{head_revision()} (head)")
    (database,) = examine_database(registry.engine)
    assert (database.level, database.subject) == ("ok", SUBJECT)
    words = "integrity ok" if registry.engine.dialect.name == "sqlite" else "PostgreSQL"
    assert words in database.message
    assert "kB" in database.message


def test_an_old_schema_fails_with_the_command_that_mends_it(registry: Registry) -> None:
    downgrade(registry.engine, "0003")
    (finding,) = examine_schema(registry.engine)
    assert finding.level == "fail"
    assert "schema 0003" in finding.message
    assert "cavewall db upgrade" in finding.message
    assert [found.level for found in examine_database(registry.engine)] == ["ok"], "that needs no schema"


def test_a_newer_schema_fails_with_another_way_out(sqlite_registry: Registry) -> None:
    with sqlite_registry.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    (finding,) = examine_schema(sqlite_registry.engine)
    assert finding.level == "fail"
    assert "9999" in finding.message
    assert "install a newer version" in finding.message


def test_a_damaged_file_fails(sqlite_registry: Registry) -> None:
    path = Path(str(sqlite_registry.engine.url.database))
    sqlite_registry.close()  # which also empties the WAL
    content = bytearray(path.read_bytes())
    page = 4096
    for start in range(2 * page, len(content), page):
        content[start : start + 512] = b"\xff" * 512
    path.write_bytes(content)
    engine = make_engine(f"sqlite:///{path}")
    (finding,) = guarded(SUBJECT, lambda: examine_database(engine))
    engine.dispose()
    assert finding.level == "fail"
    assert "damaged" in finding.message or "malformed" in finding.message


def test_what_is_no_database_fails_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "registry.sqlite"
    path.write_text("this is a letter, and not a database" * 100)
    engine = make_engine(f"sqlite:///{path}")
    (finding,) = guarded(SUBJECT, lambda: examine_database(engine))
    engine.dispose()
    assert (finding.level, finding.subject) == ("fail", SUBJECT)
    assert "not a database" in finding.message
    assert "\n" not in finding.message


def test_a_server_that_does_not_answer_fails(postgres_url: str, tmp_path: Path) -> None:
    engine = make_engine(f"postgresql://cavewall@/nothing?host={tmp_path}")
    (finding,) = guarded(SUBJECT, lambda: examine_database(engine))
    engine.dispose()
    assert finding.level == "fail"
    assert "refused" in finding.message


def test_a_pooler_in_transaction_mode_is_found_out(
    postgres_url: str, postgres_cluster: Cluster, tmp_path: Path
) -> None:
    with transaction_pooler(postgres_cluster.folder, tmp_path):
        engine = make_engine(postgres_url.replace(str(postgres_cluster.folder), str(tmp_path)))
        found = list(examine_database(engine))
        engine.dispose()
    assert [(finding.level, finding.subject) for finding in found] == [("ok", SUBJECT), ("fail", "pooler")]
    assert "session mode" in found[1].message


@pytest.mark.parametrize("held_open", [0, 2])
def test_the_server_itself_is_no_pooler_whoever_else_is_connected(
    postgres_registry: Registry, held_open: int
) -> None:
    others = [postgres_registry.engine.connect() for _ in range(held_open)]
    assert [finding.subject for finding in examine_database(postgres_registry.engine)] == [SUBJECT]
    for other in others:
        other.close()
