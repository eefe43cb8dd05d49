"""`cavewall status`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from cavewall.groups import Leaf
from cavewall.opening import opened
from cavewall.options import db_option, output_options
from cavewall.output import Output
from cavewall.rendering import cell_text, columns_of, shown

if TYPE_CHECKING:
    from registry.census import Census
    from registry.handle import Registry
    from registry.tables import Run


@click.command(cls=Leaf)
@db_option
@output_options
def command(database: str | None, output: Output) -> None:
    """Show what the zoo holds, and what is missing.

    Examples:
    cavewall status
    cavewall status --format json
    """
    with opened(database) as registry:
        data = _gather(registry)
    rows = [{"what": what, "value": cell_text(value)} for what, value in data.items()]
    output.result(
        "status", data=data, rows=rows, columns=columns_of("what", "value"), text=_text(data), is_one=True
    )


def _gather(registry: Registry) -> dict[str, Any]:
    from compute.coverage import coverage
    from registry.census import take_census
    from registry.migrate import head_revision
    from registry.store_contents import contents

    with registry.read() as session:
        census = take_census(session)
        targets = [asdict(target) for target in coverage(session)]
    return {
        "database": registry.engine.url.render_as_string(hide_password=True),
        "schema": head_revision(),
        **_counts(census),
        "coverage": targets,
        "last_run": _run(census.last_run),
        "snapshot": _snapshot(registry),
        "store": {kind.kind: kind.byte_count for kind in contents(registry.store)},
    }


def _counts(census: Census) -> dict[str, int]:
    return {name: value for name, value in vars(census).items() if name != "last_run"}


def _run(run: Run | None) -> dict[str, Any] | None:
    if run is None:
        return None
    fields = ("id", "kind", "status", "host", "device", "counts", "started_at", "ended_at")
    return {field: getattr(run, field) for field in fields}


def _snapshot(registry: Registry) -> dict[str, Any] | None:
    from analysis.snapshot import find_snapshot, is_stale
    from registry.errors import NotFoundError

    try:
        manifest = find_snapshot(registry)
    except NotFoundError:
        return None
    return {
        "number": manifest.number,
        "created_at": manifest.created_at,
        "is_current": not is_stale(registry, manifest),
    }


def _text(data: dict[str, Any]) -> str:
    retired = f" ({data['retired_checkpoints']} retired)" if data["retired_checkpoints"] else ""
    lines = [
        ("registry", f"{data['database']}  schema {data['schema']}"),
        ("checkpoints", f"{data['checkpoints']}{retired}"),
        ("data sets", str(data["datasets"])),
        ("embeddings", f"{data['embeddings']} ready"),
        ("scores", str(data["scores"])),
        *_coverage_lines(data["coverage"]),
        ("last run", _run_text(data["last_run"])),
        ("snapshot", _snapshot_text(data["snapshot"])),
        ("store", _store_text(data["store"])),
    ]
    return "\n".join(f"{what:<12} {value}" for what, value in lines)


def _coverage_lines(targets: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    if not targets:
        return [("targets", "none: cavewall target add")]
    lines = []
    for target in targets:
        lacking = target["wanted"] - target["fresh"]
        todo = "" if lacking == 0 else f", {lacking:,} missing: cavewall align run"
        lines.append(
            ("target", f"{target['target']}  {target['fresh']:,} of {target['wanted']:,} pairs fresh{todo}")
        )
    return lines


def _run_text(run: dict[str, Any] | None) -> str:
    if run is None:
        return "none yet"
    return f"{run['id']}  {run['kind']}  {run['status']}  {shown(run['started_at'])}  on {run['host']}"


def _snapshot_text(snapshot: dict[str, Any] | None) -> str:
    if snapshot is None:
        return "none yet: cavewall snapshot build"
    freshness = "current" if snapshot["is_current"] else "older than the registry: cavewall snapshot build"
    return f"{snapshot['number']} of {shown(snapshot['created_at'])}, {freshness}"


def _store_text(kinds: dict[str, int]) -> str:
    if not kinds:
        return "empty"
    largest = sorted(kinds.items(), key=lambda kind: -kind[1])
    parts = ", ".join(f"{kind} {size / 1e6:,.1f}" for kind, size in largest)
    return f"{sum(kinds.values()) / 1e6:,.1f} MB ({parts})"
