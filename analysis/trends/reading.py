"""Read what a trend over tasks is made of from one snapshot."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from analysis.answers import Answer, ask
from analysis.queries import load
from analysis.sandbox import Limits
from analysis.trends.lines import TargetLine
from analysis.trends.members import Member, PairValues
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry

LIMITS = Limits(seconds=120.0, memory="2GB")  # every layer pair of a large zoo is scanned for the last ones


@dataclass(frozen=True)
class Task:
    """One task of a battery, and the chance that its benchmark names."""

    benchmark_id: int
    task: str
    chance: float | None


@dataclass(frozen=True)
class Result:
    """What a checkpoint reaches on a task."""

    checkpoint_id: int
    name: str
    modality: str
    benchmark_id: int
    value: float
    stderr: float | None
    chance: float | None
    protocol: str | None
    split: str | None


@dataclass(frozen=True)
class Reading:
    """Everything that is read: all rows are of one snapshot."""

    battery: str
    target: TargetLine
    is_within: bool
    tasks: tuple[Task, ...]
    results: tuple[Result, ...]
    members: tuple[Member, ...]
    pairs: tuple[PairValues, ...]
    snapshot: int
    snapshot_at: datetime
    is_stale: bool
    queries: dict[str, str]


def read(
    registry: Registry, *, battery: str | None, target: str | None, snapshot: str | int | None
) -> Reading:
    """Return the tasks, results, checkpoints and pairs of a snapshot; it is found once.

    Raises:
        UsageError: there are several batteries or targets and none is named.
        NotFoundError: there is no snapshot, no score, or nothing of the name that is given.
    """
    first = ask(registry, load("batteries"), snapshot=snapshot)
    queries: dict[str, str] = {}

    def rows(name: str, parameters: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        queries[name] = load(name)
        answer = ask(registry, queries[name], parameters, snapshot=first.snapshot, limits=LIMITS)
        return _rows(answer)

    suite = _battery(_rows(first), battery, first.snapshot)
    chosen = _target(rows("zoo_targets"), target, first.snapshot)
    where = {"target_id": chosen["target_id"]}
    results = tuple(Result(**row) for row in rows("scores_of_battery", {"battery": suite}))
    if not results:
        raise NotFoundError(
            f"no checkpoint has a score on '{suite}' in snapshot {first.snapshot}",
            hint=f"measure them: cavewall score run {suite}, then: cavewall snapshot build",
        )
    return Reading(
        battery=suite,
        target=_target_line(chosen),
        is_within=chosen["pairs"] == "all",
        tasks=tuple(Task(**row) for row in rows("tasks_of_battery", {"battery": suite})),
        results=results,
        members=tuple(Member(**row) for row in rows("checkpoints_of_target", where)),
        pairs=tuple(PairValues(**row) for row in rows("pairs_with_last_layers", where)),
        snapshot=first.snapshot,
        snapshot_at=first.snapshot_at,
        is_stale=first.is_stale,
        queries=queries,
    )


def _rows(answer: Answer) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = answer.arrow().to_pylist()
    return rows


def _battery(found: Sequence[Mapping[str, Any]], asked: str | None, snapshot: int) -> str:
    if not found:
        raise NotFoundError(
            f"snapshot {snapshot} has no battery of tasks that is measured by balanced accuracy",
            hint="define and measure one: cavewall score define --help, then: cavewall snapshot build",
        )
    return _chosen("battery", "--battery", asked, [row["battery"] for row in found], snapshot)


def _target(found: Sequence[Mapping[str, Any]], asked: str | None, snapshot: int) -> Mapping[str, Any]:
    by_name = {row["name"]: row for row in found}
    names = [name for name, row in by_name.items() if asked is not None or row["reducer"] == "max"]
    if not names:
        what = "target" if asked is not None else "target that takes the best layer pair"
        raise NotFoundError(
            f"snapshot {snapshot} has no {what}", hint="say what to compare: cavewall target add --help"
        )
    if asked is None:
        return by_name[names[0]]  # the zoo's first: the others vary it
    return by_name[_chosen("target", "--target", asked, names, snapshot)]


def _chosen(what: str, option: str, asked: str | None, names: Sequence[str], snapshot: int) -> str:
    """Return the name that is asked for, or the only one."""
    listed = " | ".join(names)
    if asked is not None:
        if asked not in names:
            raise NotFoundError(f"snapshot {snapshot} has no {what} '{asked}'", hint=f"there are: {listed}")
        return asked
    if len(names) > 1:
        plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
        raise UsageError(f"there are {len(names)} {plural}", hint=f"choose one: {option} {listed}")
    return names[0]


def _target_line(row: Mapping[str, Any]) -> TargetLine:
    fields = {field.name: row[field.name] for field in dataclasses.fields(TargetLine)}
    return TargetLine(**{**fields, "parameters": json.loads(row["parameters"])})
