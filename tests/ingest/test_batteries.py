"""A battery is defined once, for good; what its definition cannot mean is refused."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from ingest.batteries import TEST_SHARE, define_battery, describe_battery, load_battery
from ingest.datasets import add_dataset
from registry.errors import ConflictError, InputError, NotFoundError, RegistryError, UsageError
from registry.handle import Registry
from registry.tables import Battery, Benchmark
from tests.ingest.covariates import add_judged, judged_items

TASKS = ("kind", "sort:4")


def benchmarks(registry: Registry) -> list[Benchmark]:
    with registry.read() as session:
        return list(session.scalars(select(Benchmark).order_by(Benchmark.id)))


def test_a_battery_is_defined_with_its_benchmarks(registry: Registry) -> None:
    dataset_id = add_judged(registry)
    done = define_battery(registry, "five", dataset_id, TASKS, stratify="sort")
    assert (done.outcome, done.task_count, done.train_count, done.test_count) == ("added", 5, 60, 60)
    with registry.read() as session:
        row = session.get_one(Battery, done.battery_id)
    assert (row.name, row.kind, row.dataset_id) == ("five", "linear probe", dataset_id)
    first, second = row.definition["tasks"][:2]
    assert first == {
        "name": "kind", "covariate": "kind", "value": None, "classes": ["animal", "plant", "tool"],
    }  # fmt: skip
    assert second == {
        "name": "sort=animal-big", "covariate": "sort", "value": "animal-big",
        "classes": ["not animal-big", "animal-big"],
    }  # fmt: skip
    rule = row.definition["split"]
    assert (rule["stratify"], rule["test_share"], rule["seed"]) == ("sort", TEST_SHARE, 0)
    assert row.definition["probe"]["shuffle_count"] == 20
    made = benchmarks(registry)
    assert {(one.suite, one.metric, one.version) for one in made} == {
        ("five", "balanced_accuracy", row.content_key[:12])
    }
    assert [one.task for one in made] == [entry["name"] for entry in row.definition["tasks"]]
    assert [one.chance for one in made] == [pytest.approx(1 / 3), 0.5, 0.5, 0.5, 0.5]
    assert {(one.higher_is_better, one.low, one.high) for one in made} == {(True, 0.0, 1.0)}


def test_the_same_definition_again_changes_nothing(registry: Registry) -> None:
    dataset_id = add_judged(registry)
    first = define_battery(registry, "five", dataset_id, TASKS, stratify="sort")
    again = define_battery(registry, "five", dataset_id, list(TASKS), stratify="sort", seed=0)
    assert (again.outcome, again.battery_id) == ("unchanged", first.battery_id)
    assert len(benchmarks(registry)) == 5


@pytest.mark.parametrize(
    ("tasks", "more"),
    [
        (("kind",), {"stratify": "sort"}),
        (TASKS, {"stratify": "kind"}),
        (TASKS, {"stratify": "sort", "seed": 1}),
        (TASKS, {"stratify": "sort", "test_share": 0.3}),
        (("sort:4", "kind"), {"stratify": "sort"}),
    ],
)
def test_another_definition_under_the_name_is_refused(
    sqlite_registry: Registry, tasks: tuple[str, ...], more: dict[str, Any]
) -> None:
    dataset_id = add_judged(sqlite_registry)
    define_battery(sqlite_registry, "five", dataset_id, TASKS, stratify="sort")
    with pytest.raises(ConflictError, match="battery five is defined as 5 tasks on judged"):
        define_battery(sqlite_registry, "five", dataset_id, tasks, **more)
    assert define_battery(sqlite_registry, "other", dataset_id, tasks, **more).outcome == "added"


def test_the_same_definition_has_one_name(sqlite_registry: Registry) -> None:
    dataset_id = add_judged(sqlite_registry)
    define_battery(sqlite_registry, "five", dataset_id, TASKS)
    with pytest.raises(ConflictError, match="the same tasks on judged are the battery five"):
        define_battery(sqlite_registry, "six", dataset_id, TASKS)


def test_the_name_of_another_data_set_is_refused(sqlite_registry: Registry) -> None:
    define_battery(sqlite_registry, "five", add_judged(sqlite_registry), TASKS)
    other = add_dataset(sqlite_registry, "more", judged_items(150)).dataset_id
    with pytest.raises(ConflictError, match=r"5 tasks on judged .* not as 5 tasks on more"):
        define_battery(sqlite_registry, "five", other, TASKS)


@pytest.mark.parametrize(
    ("tasks", "more", "error", "message"),
    [
        (("knid",), {}, UsageError, "no covariate 'knid'"),
        (("kind",), {"stratify": "sorts"}, UsageError, "no covariate 'sorts'"),
        (("same",), {}, InputError, "covariate same has one class"),
        (("sort:7",), {}, UsageError, "expected 1 to 6 values of sort"),
        (("kind",), {"test_share": 1.0}, UsageError, "leaves a part empty"),
        (
            ("kind",),
            {"test_share": 0.01},
            InputError,
            "task kind: class '.*' has no item in the test part",
        ),
    ],
)
def test_what_a_battery_cannot_ask_is_refused(
    sqlite_registry: Registry,
    tasks: tuple[str, ...],
    more: dict[str, Any],
    error: type[RegistryError],
    message: str,
) -> None:
    dataset_id = add_judged(sqlite_registry)
    with pytest.raises(error, match=message):
        define_battery(sqlite_registry, "bad", dataset_id, tasks, **more)
    assert benchmarks(sqlite_registry) == []


def test_one_item_per_class_is_refused(sqlite_registry: Registry) -> None:
    items = judged_items(40)
    items.extra["own"] = list(items.ids)
    with pytest.raises(InputError, match="task own: class 'i000' has no item in the test part \\(1 in all"):
        describe_battery(items, ["own"], stratify="own")


def test_a_data_set_without_covariates_says_so(sqlite_registry: Registry) -> None:
    items = judged_items(40)
    items.extra.clear()
    dataset_id = add_dataset(sqlite_registry, "bare", items).dataset_id
    with pytest.raises(UsageError) as caught:
        define_battery(sqlite_registry, "bad", dataset_id, ["kind"])
    assert caught.value.hint == "it has none"


@pytest.mark.parametrize("name", ["bpb", "bits-per-byte", "a/b", "", "*"])
def test_a_name_that_means_something_else_is_refused(sqlite_registry: Registry, name: str) -> None:
    with pytest.raises(UsageError):
        define_battery(sqlite_registry, name, add_judged(sqlite_registry), TASKS)


def test_a_battery_loads_with_its_answers_and_its_split(sqlite_registry: Registry) -> None:
    define_battery(sqlite_registry, "five", add_judged(sqlite_registry), TASKS, stratify="sort")
    loaded = load_battery(sqlite_registry, "five")
    sorts = judged_items().extra["sort"]
    for sort in set(sorts):
        of_sort = [train for name, train in zip(sorts, loaded.is_train, strict=True) if name == sort]
        assert sum(of_sort) == len(of_sort) / 2
    assert [int(labels.sum()) for labels in loaded.labels[1:]] == [
        sorts.count(task.value or "") for task in loaded.tasks[1:]
    ]


def test_a_split_that_changed_is_noticed(sqlite_registry: Registry) -> None:
    done = define_battery(sqlite_registry, "five", add_judged(sqlite_registry), TASKS)
    with sqlite_registry.write() as session:
        row = session.get_one(Battery, done.battery_id)
        row.definition = row.definition | {"split": row.definition["split"] | {"seed": 1}}
    with pytest.raises(ConflictError, match="another split"):
        load_battery(sqlite_registry, "five")


def test_unknown_battery_is_refused_with_the_nearest(sqlite_registry: Registry) -> None:
    with pytest.raises(NotFoundError) as caught:
        load_battery(sqlite_registry, "fife")
    assert "define one" in caught.value.hint
    define_battery(sqlite_registry, "five", add_judged(sqlite_registry), TASKS)
    with pytest.raises(NotFoundError) as caught:
        load_battery(sqlite_registry, "fife")
    assert "did you mean five" in caught.value.hint
