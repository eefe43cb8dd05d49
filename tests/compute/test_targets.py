from __future__ import annotations

import pytest

from compute.targets import TargetRule, add_target
from registry.errors import ConflictError, NotFoundError, UsageError
from registry.handle import Registry
from tests.compute.synthetic import SyntheticZoo


@pytest.fixture
def zoo(sqlite_registry: Registry) -> SyntheticZoo:
    return SyntheticZoo(sqlite_registry)


def add(zoo: SyntheticZoo, name: str | None = None, **rule: object) -> str:
    ids = list(zoo.extraction_ids.values())
    return add_target(zoo.registry, "made-up", ids, TargetRule(**rule), name=name).outcome  # type: ignore[arg-type]


def test_the_same_target_is_found_again(zoo: SyntheticZoo) -> None:
    assert add(zoo) == "added"
    assert add(zoo) == "unchanged"
    assert add(zoo, name="another name for the same") == "unchanged"


@pytest.mark.parametrize(
    "rule", [{"k": 9}, {"reducer": "last"}, {"pairs": "across"}, {"recipe": "centre,cosine"}]
)
def test_another_rule_is_another_target(zoo: SyntheticZoo, rule: dict[str, object]) -> None:
    assert add(zoo) == "added"
    assert add(zoo, **rule) == "added"


def test_one_modality_alone_is_another_target(zoo: SyntheticZoo) -> None:
    add(zoo)
    alone = [zoo.extraction_ids["vision"]]
    assert add_target(zoo.registry, "made-up", alone, TargetRule(), name="alone").outcome == "added"


def test_a_taken_name_is_refused(zoo: SyntheticZoo) -> None:
    add(zoo, name="mine")
    with pytest.raises(ConflictError, match="another target is called 'mine'"):
        add(zoo, name="mine", k=7)


@pytest.mark.parametrize("k", [0, 40, 41])
def test_k_must_be_smaller_than_the_data_set(zoo: SyntheticZoo, k: int) -> None:
    with pytest.raises(UsageError, match=f"k is {k}, expected 1 to 39: data set made-up has 40 items"):
        add(zoo, k=k)


def test_a_misspelt_metric_gets_the_nearest(zoo: SyntheticZoo) -> None:
    with pytest.raises(UsageError, match="no metric 'mutual_nn'") as caught:
        add(zoo, metric="mutual_nn")
    assert caught.value.hint == "did you mean mutual_knn ?"


def test_a_misspelt_data_set_gets_the_nearest(zoo: SyntheticZoo) -> None:
    with pytest.raises(NotFoundError) as caught:
        add_target(zoo.registry, "madeup", [1], TargetRule())
    assert caught.value.hint == "did you mean made-up ?"


def test_a_target_needs_an_extraction(zoo: SyntheticZoo) -> None:
    with pytest.raises(UsageError, match="one extraction per modality, found none"):
        add_target(zoo.registry, "made-up", [], TargetRule())
