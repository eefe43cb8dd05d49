"""Ask a registry's snapshot a question, and say how current the answer is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from importlib import import_module
from types import ModuleType
from typing import Any

import duckdb
import pyarrow as pa

from analysis.sandbox import DEFAULT_LIMITS, Limits, Sandbox, locked_connection
from analysis.snapshot import find_snapshot, is_stale
from registry.errors import MissingExtra
from registry.handle import Registry


@dataclass(frozen=True)
class Answer:
    """The rows of a question, and of which snapshot they are.

    Attributes:
        table: the rows.
        snapshot: number of the snapshot that was read.
        snapshot_at: when it was made, UTC.
        is_stale: whether the registry has moved on since.
        seconds: how long the query took.
    """

    table: pa.Table
    snapshot: int
    snapshot_at: datetime
    is_stale: bool
    seconds: float
    connection: duckdb.DuckDBPyConnection

    def __repr__(self) -> str:
        stale = ", older than the registry" if self.is_stale else ""
        return f"{self.relation}snapshot {self.snapshot}{stale}"

    @cached_property
    def relation(self) -> duckdb.DuckDBPyRelation:
        """The rows as DuckDB's relation, on a connection that can reach nothing else."""
        return self.connection.from_arrow(self.table)

    def arrow(self) -> pa.Table:
        """Return the rows as an Arrow table."""
        return self.table

    def df(self) -> Any:
        """Return the rows as a pandas data frame (needs pandas)."""
        require_library("pandas", "a data frame")
        return self.relation.df()

    def pl(self) -> Any:
        """Return the rows as a Polars data frame (needs polars)."""
        require_library("polars", "a Polars data frame")
        return self.relation.pl()


def require_library(name: str, what: str) -> ModuleType:
    """Return a library that Cavewall itself does not need.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra(
            f"{what} needs {name}, which is not installed", hint=f"pip install {name}"
        ) from error


def ask(
    registry: Registry,
    sql: str,
    parameters: Mapping[str, Any] | None = None,
    *,
    snapshot: str | int | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Answer:
    """Return the answer to one question, from the newest snapshot or from the one of a number or a name.

    Raises:
        NotFoundError: there is no such snapshot.
        UsageError: it is not one question, or DuckDB refuses it.
        DatabaseError: it took longer, or more memory, than the limits allow.
    """
    manifest = find_snapshot(registry, snapshot)
    connection = locked_connection(registry.store, manifest, limits)
    began = time.perf_counter()
    table = Sandbox(connection, manifest, limits).run(sql, parameters)
    seconds = time.perf_counter() - began
    stale = is_stale(registry, manifest)
    return Answer(table, manifest.number, manifest.created_at, stale, seconds, connection)
