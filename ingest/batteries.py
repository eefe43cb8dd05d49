"""Batteries of linear probes: named tasks on one data set, with one split for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.benchmarks import add_benchmark
from ingest.probe_tasks import Task, column_of, require_classes, split, task_of_json, tasks_of
from ingest.probes import ALPHA, SHUFFLE_COUNT
from ingest.references import check_name
from registry.clock import now
from registry.errors import ConflictError, UsageError
from registry.handle import Registry
from registry.items import Items, read_items
from registry.keys import content_key, set_fingerprint
from registry.lookup import find_battery
from registry.tables import Battery, Benchmark, Dataset

KIND = "linear probe"
METRIC = "balanced_accuracy"
TEST_SHARE = 0.5
RESERVED = ("bpb", "bits-per-byte")  # what measures bits per byte, and the suite of these scores
PROBE = {
    "classifier": "ridge",
    "alpha": ALPHA,
    "layer": "last",
    "standardised_by": "training rows",
    "shuffle_count": SHUFFLE_COUNT,
    "shuffled": "training labels",
}


@dataclass(frozen=True)
class DefinedBattery:
    """What defining a battery did."""

    battery_id: int
    name: str
    outcome: Literal["added", "unchanged"]
    task_count: int
    train_count: int
    test_count: int


@dataclass(frozen=True)
class LoadedBattery:
    """A battery with all that a probe needs but a layer: the tasks, their answers, and the split."""

    row: Battery
    dataset: Dataset
    tasks: list[Task]
    labels: list[NDArray[np.int64]]
    is_train: NDArray[np.bool_]


def describe_battery(
    items: Items,
    tasks: Sequence[str],
    *,
    stratify: str | None = None,
    test_share: float = TEST_SHARE,
    seed: int = 0,
) -> dict[str, Any]:
    """Return the definition of a battery: every task spelled out, the split, and the probe.

    Args:
        items: of the data set.
        tasks: `COVARIATE`, one task with a class for each value, or `COVARIATE:N`, each of its N most
            frequent values against the rest.
        stratify: the covariate of which the split takes the same share of every value.
        test_share: how much of it is for the test; half, so that small classes have items to be judged on.
        seed: of the split and of the shuffles.

    Raises:
        UsageError: a task, the covariate or the share means nothing here.
        InputError: a covariate cannot be asked for, or a class is missing from a part of the split.
    """
    asked = tasks_of(items.extra, tasks)
    is_train = _split_of(items, stratify, test_share, seed)
    for task in asked:
        require_classes(task, task.labels(items.extra[task.covariate]), is_train)
    return {
        "tasks": [task.as_json() for task in asked],
        "split": {
            "stratify": stratify,
            "test_share": test_share,
            "seed": seed,
            "train_count": int(is_train.sum()),
            "test_count": int((~is_train).sum()),
            "test_fingerprint": _fingerprint(items, is_train),
        },
        "probe": PROBE,
    }


def define_battery(
    registry: Registry,
    name: str,
    dataset_id: int,
    tasks: Sequence[str],
    *,
    stratify: str | None = None,
    test_share: float = TEST_SHARE,
    seed: int = 0,
) -> DefinedBattery:
    """Register a battery with its benchmarks; the same definition again changes nothing.

    Raises:
        UsageError: a name, a task, the covariate or the share means nothing here.
        InputError: a covariate cannot be asked for, or a class is missing from a part of the split.
        ConflictError: the name has another definition, or the definition another name.
    """
    with registry.read() as session:
        dataset = session.get_one(Dataset, dataset_id)
    items = read_items(registry.store, dataset)
    definition = describe_battery(items, tasks, stratify=stratify, test_share=test_share, seed=seed)
    return register_battery(registry, name, dataset, definition)


def register_battery(
    registry: Registry, name: str, dataset: Dataset, definition: dict[str, Any]
) -> DefinedBattery:
    """Register a definition that `describe_battery` made under a name.

    Raises:
        UsageError: the name cannot be one.
        ConflictError: the name has another definition, or the definition another name.
    """
    check_name(name)
    if name in RESERVED:
        raise UsageError(f"'{name}' stands for bits per byte", hint="give the battery another name")
    key = content_key("battery", {"dataset": dataset.content_key, "kind": KIND, "definition": definition})
    try:
        with registry.write() as session:
            return _put(session, name, dataset, definition, key)
    except IntegrityError:  # another process defined it between our look and our insert: look again
        with registry.write() as session:
            return _put(session, name, dataset, definition, key)


def _put(
    session: Session, name: str, dataset: Dataset, definition: dict[str, Any], key: str
) -> DefinedBattery:
    parts = definition["split"]
    counts = len(definition["tasks"]), parts["train_count"], parts["test_count"]
    same = session.scalar(select(Battery).where(Battery.content_key == key))
    if same is not None and same.name == name:
        return DefinedBattery(same.id, name, "unchanged", *counts)
    if same is not None:
        raise ConflictError(
            f"the same tasks on {dataset.name} are the battery {same.name}",
            hint=f"run it: cavewall score run {same.name}",
        )
    other = session.scalar(select(Battery).where(Battery.name == name))
    if other is not None:
        old = session.get_one(Dataset, other.dataset_id)
        raise ConflictError(
            f"battery {name} is defined as {_summary(old, other.definition)}, "
            f"not as {_summary(dataset, definition)}",
            hint="a battery does not change: give the other one a name of its own",
        )
    row = Battery(
        content_key=key, name=name, kind=KIND, dataset_id=dataset.id, definition=definition, created_at=now()
    )
    session.add(row)
    session.flush()
    for entry in definition["tasks"]:
        benchmark_of(session, row, task_of_json(entry))
    return DefinedBattery(row.id, name, "added", *counts)


def benchmark_of(session: Session, battery: Battery, task: Task) -> Benchmark:
    """Return the benchmark of a battery's task, which is made where it is missing.

    Raises:
        ConflictError: somebody has registered it with another range.
    """
    return add_benchmark(
        session,
        battery.name,
        task.name,
        METRIC,
        battery_version(battery),
        higher_is_better=True,
        low=0.0,
        high=1.0,
        chance=1 / len(task.classes),
    )


def battery_version(battery: Battery) -> str:
    """Return the version that a battery's benchmarks carry: the start of its content key."""
    return battery.content_key[:12]


def load_battery(registry: Registry, name: str) -> LoadedBattery:
    """Return a battery with the answers of its tasks and its split.

    Raises:
        NotFoundError: there is none of that name.
        StoreError: the data set's items cannot be read.
        ConflictError: this version of the program splits the items otherwise.
    """
    with registry.read() as session:
        row = find_battery(session, name)
        dataset = session.get_one(Dataset, row.dataset_id)
    items = read_items(registry.store, dataset)
    rule = row.definition["split"]
    is_train = _split_of(items, rule["stratify"], rule["test_share"], rule["seed"])
    if _fingerprint(items, is_train) != rule["test_fingerprint"]:
        raise ConflictError(
            f"battery {name} was defined with another split of {dataset.name} than this version makes",
            hint="define it again under another name",
        )
    tasks = [task_of_json(entry) for entry in row.definition["tasks"]]
    labels = [task.labels(items.extra[task.covariate]) for task in tasks]
    return LoadedBattery(row, dataset, tasks, labels, is_train)


def _split_of(items: Items, stratify: str | None, test_share: float, seed: int) -> NDArray[np.bool_]:
    strata = None if stratify is None else column_of(items.extra, stratify)
    return split(items.ids, strata, test_share=test_share, seed=seed)


def _fingerprint(items: Items, is_train: NDArray[np.bool_]) -> str:
    return set_fingerprint(
        item_id for item_id, for_training in zip(items.ids, is_train, strict=True) if not for_training
    )


def _summary(dataset: Dataset, definition: dict[str, Any]) -> str:
    tasks, parts = definition["tasks"], definition["split"]
    count = "1 task" if len(tasks) == 1 else f"{len(tasks)} tasks"
    by = f"by {parts['stratify']}" if parts["stratify"] else "unstratified"
    shown = ", ".join(entry["name"] for entry in tasks[:2]) + (", …" if len(tasks) > 2 else "")
    return (
        f"{count} on {dataset.name} ({shown}), "
        f"split {by}, test share {parts['test_share']:g}, seed {parts['seed']}"
    )
