"""Tasks for linear probes, made of a data set's covariates, and one fixed split for all of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.errors import InputError, UsageError
from registry.keys import sha256_of_bytes
from registry.lookup import nearest


@dataclass(frozen=True)
class Task:
    """One question about every item: which class of `classes` it belongs to.

    With a `value` it is that value of the covariate, the second class, against all others.
    """

    name: str
    covariate: str
    value: str | None
    classes: tuple[str, ...]

    def labels(self, column: Sequence[str]) -> NDArray[np.int64]:
        """Return the position in `classes` of every item's class."""
        if self.value is not None:
            return np.array([text == self.value for text in column], dtype=np.int64)
        places = {text: place for place, text in enumerate(self.classes)}
        return np.array([places[text] for text in column], dtype=np.int64)

    def as_json(self) -> dict[str, Any]:
        """Return what a battery's definition says about the task."""
        return asdict(self) | {"classes": list(self.classes)}


def task_of_json(entry: Mapping[str, Any]) -> Task:
    """Return the task that an entry of a battery's definition describes."""
    return Task(entry["name"], entry["covariate"], entry["value"], tuple(entry["classes"]))


def tasks_of(covariates: Mapping[str, Sequence[str]], specifications: Sequence[str]) -> list[Task]:
    """Return the tasks that some specifications mean, in their order.

    `COVARIATE` is one task with a class for each of its values. `COVARIATE:N` is a task for each of its N
    most frequent values, ties by name: that value against the rest.

    Args:
        covariates: by name, one text for each item.
        specifications: what to ask.

    Raises:
        UsageError: there is no task, one comes twice, a covariate is unknown, or N is not 1 up to the number
            of its values.
        InputError: a covariate has one value only, or an item without a value.
    """
    tasks = [task for text in specifications for task in _meant(covariates, text.strip())]
    names = Counter(task.name for task in tasks)
    if not tasks:
        raise UsageError(
            "a battery needs a task", hint="name a covariate, for example --tasks category,subcategory:18"
        )
    if len(names) < len(tasks):
        raise UsageError(f"task {names.most_common(1)[0][0]} comes twice", hint="name it once")
    return tasks


def _meant(covariates: Mapping[str, Sequence[str]], text: str) -> list[Task]:
    name, separator, count = text.rpartition(":")
    if not separator or text in covariates:
        column = column_of(covariates, text)
        return [Task(text, text, None, tuple(sorted(set(column))))]
    column = column_of(covariates, name)
    values = sorted(Counter(column).items(), key=lambda pair: (-pair[1], pair[0]))
    if not count.isdecimal() or not 1 <= int(count) <= len(values):
        raise UsageError(
            f"{text}: expected 1 to {len(values)} values of {name}, found '{count}'",
            hint=f"{name} has {len(values)} values",
        )
    return [
        Task(f"{name}={value}", name, value, (f"not {value}", value)) for value, _ in values[: int(count)]
    ]


def column_of(covariates: Mapping[str, Sequence[str]], name: str) -> Sequence[str]:
    """Return a covariate that can be asked for: every item has a value, and there are two.

    Raises:
        UsageError: there is no covariate of that name.
        InputError: an item has no value, or all have the same.
    """
    if name not in covariates:
        known = f"it has {', '.join(covariates)}" if covariates else "it has none"
        raise UsageError(f"the data set has no covariate '{name}'", hint=nearest(name, covariates) or known)
    column = covariates[name]
    missing = sum(not value.strip() for value in column)
    if missing:
        raise InputError(
            f"covariate {name} is empty for {missing} items",
            hint="give every item a value, or a data set without them",
        )
    if len(set(column)) < 2:
        raise InputError(
            f"covariate {name} has one class, '{column[0]}'",
            hint="a task needs two; choose another covariate",
        )
    return column


def split(
    ids: Sequence[str], strata: Sequence[str] | None, *, test_share: float, seed: int
) -> NDArray[np.bool_]:
    """Return which items are for training; the rest is for the test.

    Within each stratum the items stand in an order that is keyed by seed and item id, and the first of them
    are for the test: the nearest whole number to their share (halves to the even one), but at least one and
    not all where a stratum has two items or more. A stratum of one item is for training. So the split depends
    on seed, ids and strata, and not on the order of the items.

    Args:
        ids: of the items.
        strata: which stratum each belongs to; one for all where it is None.
        test_share: between 0 and 1.
        seed: another one gives another split.

    Raises:
        UsageError: the share is not between 0 and 1.
    """
    if not 0 < test_share < 1:
        raise UsageError(
            f"a test share of {test_share:g} leaves a part empty", hint="give a share between 0 and 1"
        )
    members: dict[str, list[int]] = defaultdict(list)
    for place, stratum in enumerate(strata if strata is not None else [""] * len(ids)):
        members[stratum].append(place)
    is_train = np.ones(len(ids), dtype=np.bool_)
    for places in members.values():
        ordered = sorted(places, key=lambda place: sha256_of_bytes(f"{seed} {ids[place]}".encode()))
        count = min(max(round(test_share * len(places)), 1), len(places) - 1)
        is_train[ordered[:count]] = False
    return is_train


def require_classes(task: Task, labels: NDArray[np.int64], is_train: NDArray[np.bool_]) -> None:
    """Refuse a task of which a class is missing from a part of the split.

    Raises:
        InputError: there is no item of a class to learn from, or none to judge on.
    """
    for part, chosen in (("training", is_train), ("test", ~is_train)):
        for place, name in enumerate(task.classes):
            if not (labels[chosen] == place).any():
                raise InputError(
                    f"task {task.name}: class '{name}' has no item in the {part} part "
                    f"({int((labels == place).sum())} in all)",
                    hint="leave the task out, or stratify the split by its covariate",
                )
