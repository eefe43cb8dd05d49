"""Tasks are what a specification says, and the split is a function of seed and ids."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.probe_tasks import Task, require_classes, split, task_of_json, tasks_of
from registry.errors import InputError, RegistryError, UsageError

COVARIATES = {
    "colour": ["red", "blue", "red", "green", "blue", "red"],
    "shape": ["round", "square", "round", "square", "flat", "flat"],
    "same": ["x"] * 6,
    "partly": ["a", "", "b", "a", " ", "b"],
    "time:2": ["a", "b", "a", "b", "a", "b"],
}


def test_a_covariate_is_one_task_with_a_class_for_each_value() -> None:
    (task,) = tasks_of(COVARIATES, ["colour"])
    assert task == Task("colour", "colour", None, ("blue", "green", "red"))
    assert task.labels(COVARIATES["colour"]).tolist() == [2, 0, 2, 1, 0, 2]


def test_the_largest_values_are_asked_for_one_by_one() -> None:
    tasks = tasks_of(COVARIATES, ["colour:2"])
    assert [(task.name, task.value, task.classes) for task in tasks] == [
        ("colour=red", "red", ("not red", "red")),
        ("colour=blue", "blue", ("not blue", "blue")),
    ]
    assert tasks[1].labels(COVARIATES["colour"]).tolist() == [0, 1, 0, 0, 1, 0]


def test_values_of_one_size_come_by_name() -> None:
    assert [task.value for task in tasks_of(COVARIATES, ["shape:2"])] == ["flat", "round"]


def test_a_covariate_whose_name_ends_in_a_number_is_itself() -> None:
    assert [task.name for task in tasks_of(COVARIATES, ["time:2", "time:2:1"])] == ["time:2", "time:2=a"]


def test_a_task_survives_its_definition() -> None:
    for task in tasks_of(COVARIATES, ["colour", "shape:3"]):
        assert task_of_json(task.as_json()) == task


@pytest.mark.parametrize(
    ("specifications", "error", "message", "hint"),
    [
        ([], UsageError, "a battery needs a task", "name a covariate"),
        (["color"], UsageError, "no covariate 'color'", "did you mean colour"),
        (["color:2"], UsageError, "no covariate 'color'", "did you mean colour"),
        (["zzz"], UsageError, "no covariate 'zzz'", "it has colour, shape"),
        (["colour:4"], UsageError, "expected 1 to 3 values of colour, found '4'", "has 3 values"),
        (["colour:0"], UsageError, "expected 1 to 3", "has 3 values"),
        (["colour:-1"], UsageError, "expected 1 to 3", "has 3 values"),
        (["colour:x"], UsageError, "found 'x'", "has 3 values"),
        (["same"], InputError, "covariate same has one class, 'x'", "choose another"),
        (["same:1"], InputError, "covariate same has one class", "choose another"),
        (["partly"], InputError, "covariate partly is empty for 2 items", "give every item a value"),
        (["colour", "colour"], UsageError, "task colour comes twice", "once"),
        (["colour:1", "colour:2"], UsageError, "task colour=red comes twice", "once"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    specifications: list[str], error: type[RegistryError], message: str, hint: str
) -> None:
    with pytest.raises(error) as caught:
        tasks_of(COVARIATES, specifications)
    assert message in caught.value.message
    assert hint in caught.value.hint


@given(
    sizes=st.lists(st.integers(1, 40), min_size=1, max_size=8),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
)
def test_every_stratum_gives_its_share(sizes: list[int], share: float, seed: int) -> None:
    strata = [f"s{number}" for number, size in enumerate(sizes) for _ in range(size)]
    ids = [f"i{number}" for number in range(len(strata))]
    is_train = split(ids, strata, test_share=share, seed=seed)
    tested = Counter(stratum for stratum, train in zip(strata, is_train, strict=True) if not train)
    for number, size in enumerate(sizes):
        count = tested[f"s{number}"]
        assert abs(count - share * size) <= 1
        assert count == 0 if size == 1 else 1 <= count < size


def test_the_split_follows_the_items_and_not_their_order() -> None:
    ids = [f"i{number}" for number in range(50)]
    strata = [f"s{number % 4}" for number in range(50)]
    is_train = split(ids, strata, test_share=0.3, seed=1)
    order = np.random.default_rng(0).permutation(50)
    moved = split([ids[at] for at in order], [strata[at] for at in order], test_share=0.3, seed=1)
    assert np.array_equal(moved, is_train[order])
    assert not np.array_equal(split(ids, strata, test_share=0.3, seed=2), is_train)
    assert split(ids, None, test_share=0.3, seed=1).sum() == 35


def test_the_split_of_a_seed_never_changes() -> None:
    is_train = split([f"i{number}" for number in range(10)], None, test_share=0.5, seed=0)
    assert np.flatnonzero(~is_train).tolist() == [0, 1, 2, 4, 7]  # written down when it was first made


@pytest.mark.parametrize("share", [0.0, 1.0, -0.5, 30.0, float("nan")])
def test_a_share_that_leaves_a_part_empty_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match="leaves a part empty"):
        split(["a", "b"], None, test_share=share, seed=0)


@pytest.mark.parametrize(
    ("is_train", "message"),
    [
        ([1, 1, 1, 0, 1, 0], "class 'blue' has no item in the test part (2 in all)"),
        ([0, 1, 0, 0, 1, 0], "class 'not blue' has no item in the training part (4 in all)"),
    ],
)
def test_a_class_that_is_missing_from_a_part_is_named(is_train: list[int], message: str) -> None:
    _, task = tasks_of(COVARIATES, ["colour:2"])
    with pytest.raises(InputError) as caught:
        require_classes(task, task.labels(COVARIATES["colour"]), np.array(is_train, dtype=bool))
    assert caught.value.message == f"task colour=blue: {message}"
