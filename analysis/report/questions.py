"""Ask one snapshot many named questions, and remember what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analysis.queries import load
from analysis.report.contents import Query
from analysis.sandbox import Limits, Sandbox, open_sandbox
from analysis.snapshot import find_snapshot, is_stale
from registry.handle import Registry

LIMITS = Limits(seconds=60.0)


@dataclass(frozen=True)
class Asked:
    """The rows of a named question, and the question."""

    rows: list[dict[str, Any]]
    query: Query


@dataclass(frozen=True)
class Questions:
    """A snapshot that answers named questions.

    Attributes:
        sandbox: the connection that sees the snapshot and nothing else.
        snapshot: its number.
        snapshot_at: when it was made, UTC.
        is_stale: whether the registry has moved on since.
        code_version: the version of Cavewall that made it.
    """

    sandbox: Sandbox
    snapshot: int
    snapshot_at: datetime
    is_stale: bool
    code_version: str

    def ask(self, name: str, **parameters: Any) -> Asked:
        """Return the answer to a named analysis."""
        sql = load(name)
        rows = self.sandbox.run(sql, parameters).to_pylist()
        return Asked(rows, Query(name, sql, parameters))


@contextmanager
def questions_on(registry: Registry, snapshot: str | int | None) -> Iterator[Questions]:
    """Give the newest snapshot, or that of a number or a name, to ask.

    Raises:
        NotFoundError: there is no such snapshot.
    """
    manifest = find_snapshot(registry, snapshot)
    with open_sandbox(registry.store, manifest, LIMITS) as sandbox:
        yield Questions(
            sandbox,
            manifest.number,
            manifest.created_at,
            is_stale(registry, manifest),
            manifest.code_version,
        )
