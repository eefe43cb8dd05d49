"""What a database's schema is, as text that two databases can be compared by.

Alembic's own comparison sees neither a changed CHECK nor a changed predicate of an index, hence this one.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine

from registry.database import is_sqlite

OWN_TABLE = "alembic_version"

POSTGRES_COLUMNS = """
    SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
    FROM information_schema.columns
    WHERE table_schema = 'public' AND table_name <> 'alembic_version'
"""
POSTGRES_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
"""
POSTGRES_INDEXES = """
    SELECT tablename, indexname, indexdef
    FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version'
"""


def describe(engine: Engine) -> list[str]:
    """Return every column, constraint, index and table option, one per line, sorted."""
    with engine.connect() as connection:
        lines = _describe_sqlite(connection) if is_sqlite(engine) else _describe_postgres(connection)
    return sorted(lines)


def _describe_postgres(connection: Connection) -> list[str]:
    return [
        " | ".join(str(value) for value in row)
        for query in (POSTGRES_COLUMNS, POSTGRES_CONSTRAINTS, POSTGRES_INDEXES)
        for row in connection.exec_driver_sql(query)
    ]


def _describe_sqlite(connection: Connection) -> list[str]:
    lines: list[str] = []
    query = "SELECT type, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL"
    for kind, table, statement in connection.exec_driver_sql(query).all():
        if table == OWN_TABLE:
            continue
        text = " ".join(statement.split())
        if kind == "table":
            body, options = parts_of_table(text)
            split = [piece for part in body for piece in own_constraint(part)]
            lines += [f"{table} | {part}" for part in (*split, f"options: {options}")]
        else:
            lines.append(f"{table} | {text}")
    return lines


def own_constraint(part: str) -> list[str]:
    """Return a column without its named CHECK, and the CHECK: a column added in place carries it itself."""
    column, constraint, check = part.partition(" CONSTRAINT ")
    return [column, f"CONSTRAINT {check}"] if constraint and column != "CONSTRAINT" else [part]


def parts_of_table(statement: str) -> tuple[list[str], str]:
    """Return the parts between the outermost parentheses of a CREATE TABLE, and what follows them."""
    parts, depth, quoted, start = [], 0, False, 0
    for position, letter in enumerate(statement):
        if letter == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif letter == "(":
            depth += 1
            start = position + 1 if depth == 1 else start
        elif letter in "),":
            if depth == 1:
                parts.append(statement[start:position].strip())
                start = position + 1
            depth -= letter == ")"
    return parts, statement[start:].strip()
