"""The sandbox: it answers questions, and it reaches nothing, whatever a statement pretends to be."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from analysis.answers import ask
from analysis.sandbox import Limits, Sandbox, locked_connection, open_sandbox
from analysis.snapshot import build_snapshot, find_snapshot
from registry.errors import DatabaseError, StoreError, UsageError
from registry.handle import Registry
from registry.keys import sha256_of_file
from tests.analysis.tiny import TinyZoo

# {out} is a file that does not exist, {part} one of the snapshot's, {secret} another file of the machine.
REACHING_OUT = {
    "copy": "COPY alignment TO '{out}'",
    "copy over the snapshot": "COPY alignment TO '{part}' (FORMAT parquet)",
    "copy inside with": "WITH x AS (COPY alignment TO '{out}') SELECT 1",
    "copy inside with over the snapshot": "WITH x AS (COPY alignment TO '{part}' (FORMAT parquet)) SELECT 1",
    "explain analyze copy": "EXPLAIN ANALYZE COPY alignment TO '{out}'",
    "copy from": "COPY (SELECT 1) TO '{out}' (FORMAT csv)",
    "read_text": "SELECT * FROM read_text('{secret}')",
    "read_blob": "SELECT * FROM read_blob('{secret}')",
    "read_csv": "SELECT * FROM read_csv('{secret}')",
    "read_parquet": "SELECT * FROM read_parquet('{part}')",
    "parquet_metadata": "SELECT * FROM parquet_metadata('{part}')",
    "sniff_csv": "FROM sniff_csv('{secret}')",
    "glob": "SELECT * FROM glob('/*')",
    "attach a file": "ATTACH '{out}' AS other",
    "reading by path": "FROM '{part}'",
    "reading by path, quoted": 'SELECT * FROM "{secret}"',
    "install": "INSTALL httpfs",
    "load a file": "LOAD '{out}'",
    "export": "EXPORT DATABASE '{out}'",
    "import": "IMPORT DATABASE '{out}'",
    "set access": "SET enable_external_access = true",
    "set lock": "SET lock_configuration = false",
    "set memory": "SET memory_limit = '100GB'",
    "set search path": "SET file_search_path = '/'",
    "set directories": "SET allowed_directories = ['/']",
    "set paths": "SET allowed_paths = ['{out}']",
    "set replacements": "SET python_enable_replacements = true",
    "reset": "RESET enable_external_access",
    "pragma": "PRAGMA enable_external_access = true",
    "pragma threads": "PRAGMA threads = 64",
    "a Python variable": "FROM local_frame",
    "another Python variable": "SELECT * FROM REACHING_OUT",
    "secrets": "FROM duckdb_secrets()",
    "a query function": "SELECT bh_threshold((SELECT list(1) FROM read_text('{secret}')), 0.05)",
}


@pytest.fixture
def zoo(sqlite_registry: Registry) -> Registry:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a", "b")
    tiny.add("c", modality="language")
    build_snapshot(sqlite_registry)
    return sqlite_registry


@pytest.fixture
def sandbox(zoo: Registry) -> Iterator[Sandbox]:
    with open_sandbox(zoo.store, find_snapshot(zoo)) as opened:
        yield opened


def digests(registry: Registry) -> dict[str, str]:
    files = sorted(path for path in registry.store.root.rglob("*") if path.is_file())
    return {str(path): sha256_of_file(path) for path in files}


def filled_in(template: str, registry: Registry, folder: Path) -> str:
    secret = folder / "secret.csv"
    secret.write_text("word\nplato\n")
    part = registry.store.path(find_snapshot(registry).tables["alignment"][0].uri)
    return template.format(out=folder / "out", part=part, secret=secret)


@pytest.mark.parametrize("template", REACHING_OUT.values(), ids=REACHING_OUT.keys())
def test_what_reaches_out_is_refused(zoo: Registry, tmp_path: Path, template: str) -> None:
    local_frame = pa.table({"a": [1]})
    statement = filled_in(template, zoo, tmp_path)
    before = digests(zoo)
    with pytest.raises(UsageError):
        ask(zoo, statement)
    assert digests(zoo) == before
    assert not (tmp_path / "out").exists()
    assert local_frame.num_rows == 1


@pytest.mark.parametrize("template", REACHING_OUT.values(), ids=REACHING_OUT.keys())
def test_the_connection_alone_refuses_it_too(zoo: Registry, tmp_path: Path, template: str) -> None:
    """What the safety rests on: no check of the statement stands between it and the connection here."""
    local_frame = pa.table({"a": [1]})
    statement = filled_in(template, zoo, tmp_path)
    before = digests(zoo)
    connection = locked_connection(zoo.store, find_snapshot(zoo))
    with pytest.raises(duckdb.Error):
        connection.execute(statement).fetchall()
    with pytest.raises(duckdb.Error):
        connection.sql(statement).fetchall()
    assert digests(zoo) == before
    assert not (tmp_path / "out").exists()
    assert local_frame.num_rows == 1
    assert connection.execute("SELECT count(*) FROM alignment").fetchone() == (3,)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("enable_external_access", False),
        ("lock_configuration", True),
        ("python_enable_replacements", False),
        ("autoload_known_extensions", False),
        ("autoinstall_known_extensions", False),
        ("temp_directory", ""),
        ("threads", 1),
        ("allowed_directories", []),
        ("allowed_paths", []),
    ],
)
def test_the_connection_is_set_as_the_safety_needs(sandbox: Sandbox, setting: str, value: object) -> None:
    assert sandbox.run("SELECT current_setting($name) AS value", {"name": setting}).to_pylist() == [
        {"value": value}
    ]


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DROP VIEW alignment", "DROP is not allowed here"),
        ("CREATE TABLE mine AS FROM alignment", "CREATE is not allowed here"),
        ("INSERT INTO alignment SELECT * FROM alignment", "INSERT is not allowed here"),
        ("CREATE OR REPLACE MACRO bh_threshold(p, q) AS q", "CREATE is not allowed here"),
        ("LOAD json", "LOAD is not allowed here"),
        ("ATTACH ':memory:' AS other", "ATTACH is not allowed here"),
        ("PRAGMA version", "PRAGMA is not allowed here"),
        ("SELECT 1; SELECT 2", "expected one statement, found 2"),
        ("-- nothing", "expected one statement, found 0"),
        ("SELEKT 1", "syntax error"),
        ("FROM alignments", "alignments does not exist"),
        ("SELECT $k", "not provided"),
    ],
)
def test_what_is_no_question_is_refused_with_its_reason(
    sandbox: Sandbox, statement: str, reason: str
) -> None:
    with pytest.raises(UsageError, match=reason) as caught:
        sandbox.run(statement)
    assert caught.value.hint


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM alignment",
        "FROM alignment",
        "WITH x AS (SELECT 1 AS a) FROM x",
        "VALUES (1), (2)",
        "DESCRIBE alignment",
        "SUMMARIZE alignment",
        "SHOW TABLES",
        "PIVOT alignment ON left_layer USING count(*)",
        "EXPLAIN FROM alignment",
        "EXPLAIN ANALYZE FROM alignment",
        "SELECT 1;",
        "SELECT attributes ->> 'lr', attributes.lr FROM checkpoints",
        "SELECT layer_names[layer + 1] FROM alignment_both JOIN embeddings USING (embedding_id)",
        "SELECT bh_threshold((SELECT list(score) FROM alignment), 0.05)",
        "SELECT count(*) FROM scores WHERE is_current AND measured_at > now() - INTERVAL 1 DAY",
    ],
)
def test_every_form_of_a_question_is_answered(sandbox: Sandbox, statement: str) -> None:
    assert sandbox.run(statement).num_rows > 0


def test_parameters_are_bound_and_never_read_as_sql(sandbox: Sandbox) -> None:
    question = "SELECT count(*) AS n FROM checkpoints WHERE name = $name OR modality = $modality"
    assert sandbox.run(question, {"name": "a", "modality": "language"}).to_pylist() == [{"n": 2}]
    assert sandbox.run(question, {"name": "' OR true --", "modality": "none"}).to_pylist() == [{"n": 0}]
    with pytest.raises(UsageError, match="mismatch"):
        sandbox.run("SELECT 1", {"k": 10})


def test_a_long_query_is_stopped(zoo: Registry) -> None:
    began = time.monotonic()
    with pytest.raises(DatabaseError, match=r"longer than 0\.3 s"):
        ask(zoo, "SELECT sum(a.range * b.range) FROM range(1000000) a, range(10000000) b", limits=Limits(0.3))
    assert time.monotonic() - began < 0.3 + 3
    assert ask(zoo, "SELECT 1", limits=Limits(seconds=None)).table.num_rows == 1


def test_a_connection_answers_again_after_a_query_was_stopped(zoo: Registry) -> None:
    with open_sandbox(zoo.store, find_snapshot(zoo), Limits(0.2)) as opened:
        for _ in range(3):
            with pytest.raises(DatabaseError):
                opened.run("SELECT sum(a.range * b.range) FROM range(1000000) a, range(10000000) b")
            assert opened.run("SELECT count(*) AS n FROM alignment").to_pylist() == [{"n": 3}]


def test_a_query_that_needs_too_much_memory_is_refused(zoo: Registry) -> None:
    with pytest.raises(DatabaseError, match="more memory than 64MB"):
        ask(zoo, "SELECT array_agg(range) FROM range(50000000)", limits=Limits(memory="64MB"))


def test_a_missing_file_is_named(zoo: Registry) -> None:
    path = zoo.store.path(find_snapshot(zoo).tables["checkpoint"][0].uri)
    path.unlink()
    with pytest.raises(StoreError, match=path.name):
        ask(zoo, "FROM checkpoints")


def test_a_snapshot_from_before_a_table_or_a_column_existed_shows_null(zoo: Registry, tmp_path: Path) -> None:
    """An old manifest is read through the views of today: what its files lack is empty."""
    manifest = find_snapshot(zoo)
    (old_file,) = manifest.tables["checkpoint"]
    narrow = pq.read_table(zoo.store.path(old_file.uri)).drop_columns(["tokens_seen"])

    def write(path: Path) -> None:
        pq.write_table(narrow, path)

    stored = zoo.store.write("parts/checkpoint", ".parquet", write)
    tables = {name: files for name, files in manifest.tables.items() if name != "score"}
    tables["checkpoint"] = (replace(old_file, uri=stored.uri, sha256=stored.sha256),)
    with open_sandbox(zoo.store, replace(manifest, tables=tables)) as opened:
        assert opened.run(
            "SELECT count(*) AS n, count(tokens_seen) AS known FROM checkpoints"
        ).to_pylist() == [{"n": 3, "known": 0}]
        assert opened.run("FROM scores").num_rows == 0


def test_an_answer_has_the_forms_of_a_relation_and_says_its_snapshot(zoo: Registry) -> None:
    answer = ask(
        zoo, "SELECT a.name, b.name FROM checkpoints a JOIN checkpoints b USING (checkpoint_id) ORDER BY 1"
    )
    assert (answer.snapshot, answer.is_stale) == (1, False)
    assert answer.arrow().num_rows == 3
    assert answer.relation.fetchall() == [("a", "a"), ("b", "b"), ("c", "c")]
    assert answer.seconds >= 0
    with pytest.raises(duckdb.Error):
        answer.connection.sql("SELECT * FROM read_text('/etc/hostname')").fetchall()


def test_times_come_in_utc(sandbox: Sandbox) -> None:
    (row,) = sandbox.run("SELECT min(computed_at) AS at FROM alignment").to_pylist()
    assert row["at"].isoformat() == "2026-11-24T02:31:00+00:00"
