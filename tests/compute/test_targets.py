from __future__ import annotations

import pytest
from sqlalchemy import select

from compute.targets import TargetRule, add_target
from registry.errors import ConflictError, NotFoundError, UsageError
from registry.handle import Registry
from registry.keys import content_key
from registry.tables import Dataset, Extraction, Metric, Target
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


@pytest.mark.parametrize(
    ("rule", "sentence", "hint"),
    [
        (
            {"metric": "cka", "k": 10},
            "metric cka looks at no neighbours, so it takes no k",
            "metric show cka",
        ),
        ({"k": 5, "parameters": {"k": 6}}, "k is 5 and 6", "once"),
        ({"metric": "cka_rbf", "parameters": {"sgima": 2}}, "no parameter 'sgima'", "did you mean sigma"),
        ({"metric": "cka_rbf", "parameters": {"sigma": -1}}, "sigma of metric cka_rbf is '-1'", "1.0"),
        (
            {"metric": "cka", "recipe": "euclidean"},
            "metric cka takes a recipe that ends with cosine or inner, found 'euclidean'",
            "end --recipe with cosine",
        ),
        (
            {"metric": "rsa", "recipe": "exclude:near,cosine"},
            "metric rsa looks at no neighbours, so the recipe 'exclude:near,cosine' can leave none out",
            "leave exclude:near out",
        ),
        (
            {"recipe": "concat:raw,cosine", "reducer": "last"},
            "a concatenation of all layers means nothing to the reducer 'last'",
            "leave --reducer out",
        ),
        (
            {"metric": "svcca", "parameters": {"dimensions": 20}},
            "2 x 20 dimensions of svcca, expected together fewer than 39",
            "--set dimensions=19",
        ),
        (
            {"recipe": "whiten:40,cosine"},
            "the recipe 'whiten:40,cosine' keeps 40 principal components, expected at most 39",
            "whiten:39",
        ),
        ({"recipe": "centre,cosin"}, "recipe 'centre,cosin'", "did you mean cosine"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_in_one_sentence(
    zoo: SyntheticZoo, rule: dict[str, object], sentence: str, hint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        add(zoo, **rule)
    assert sentence in caught.value.message
    assert "\n" not in caught.value.message
    assert hint in (caught.value.hint or "")


def test_the_largest_subspaces_that_need_not_meet_are_taken(zoo: SyntheticZoo) -> None:
    assert add(zoo, metric="svcca", parameters={"dimensions": 19}) == "added"


def test_fewer_than_four_items_are_refused(sqlite_registry: Registry) -> None:
    zoo = SyntheticZoo(sqlite_registry, n=3)
    with pytest.raises(UsageError, match="data set made-up has 3 items, expected at least 4"):
        add(zoo, k=1)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        ({}, "mutual-knn-k10"),
        ({"k": 7, "pairs": "across"}, "mutual-knn-k7-across"),
        ({"metric": "cka"}, "cka"),
        ({"metric": "cka_rbf", "parameters": {"sigma": "2"}}, "cka-rbf-sigma-2"),
        ({"metric": "cka_rbf", "parameters": {"sigma": 1}}, "cka-rbf"),
        (
            {"metric": "cka_rbf", "parameters": {"sigma": 0.5, "unit": "absolute"}, "recipe": "l2,euclidean"},
            "cka-rbf-sigma-0.5-unit-absolute-l2-euclidean",
        ),
        ({"metric": "cycle_knn", "parameters": {"k": "4"}, "reducer": "last"}, "cycle-knn-k4-last"),
        ({"recipe": "concat:l2,whiten:5,cosine"}, "mutual-knn-k10-concat-l2-whiten-5"),
    ],
)
def test_a_name_says_what_is_not_as_usual(zoo: SyntheticZoo, rule: dict[str, object], name: str) -> None:
    ids = list(zoo.extraction_ids.values())
    made = add_target(zoo.registry, "made-up", ids, TargetRule(**rule))  # type: ignore[arg-type]
    assert made.name == f"made-up/{name}"


def test_a_target_of_an_earlier_release_is_found_again(zoo: SyntheticZoo) -> None:
    """Its key as it was made when mutual_knn was the only metric."""
    add(zoo)
    with zoo.registry.read() as session:
        target, metric = session.scalars(select(Target)).one(), session.scalars(select(Metric)).one()
        dataset = session.get_one(Dataset, zoo.dataset_id)
        rules = sorted(session.scalars(select(Extraction.content_key)))
    identity = {"name": "mutual_knn", "parameters": {"k": 10}, "code_version": 1}
    assert metric.content_key == content_key("metric", identity)
    assert metric.content_key == "6bd525ee006183134ddf362e909c9c7273013626a9625413e9e1a6ea3d32e942"
    assert target.content_key == content_key(
        "target",
        {
            "dataset": dataset.content_key,
            "metric": metric.content_key,
            "recipe": "cosine",
            "reducer": "max",
            "pairs": "all",
            "extractions": rules,
        },
    )


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"k": 10}, (10 / 39, None, 1, True)),
        ({"metric": "unbiased_cka"}, (0, (2 / (40 * 37)) ** 0.5, 1, True)),
        ({"metric": "rsa"}, (0, None, 1, True)),
        ({"metric": "cka"}, (None, None, 1, True)),
        ({"metric": "cycle_knn"}, (None, None, 1, False)),
        ({"metric": "cknna"}, (None, None, None, True)),
        ({"metric": "lcs_knn_prh", "k": 6}, ("any", None, 6, True)),
    ],
)
def test_a_target_knows_its_chance_and_its_highest_score(
    zoo: SyntheticZoo, rule: dict[str, object], expected: tuple[object, ...]
) -> None:
    add(zoo, **rule)
    with zoo.registry.read() as session:
        row, metric = session.scalars(select(Target)).one(), session.scalars(select(Metric)).one()
    found = (row.chance, row.chance_sd, row.highest, metric.is_symmetric)
    assert found[1:] == pytest.approx(expected[1:])
    assert expected[0] == "any" or found[0] == pytest.approx(expected[0])


def test_all_parameters_of_a_metric_are_recorded(zoo: SyntheticZoo) -> None:
    add(zoo, metric="cka_rbf", parameters={"sigma": "2"})
    with zoo.registry.read() as session:
        assert session.scalars(select(Metric)).one().parameters == {"sigma": 2.0, "unit": "median"}
    assert add(zoo, metric="cka_rbf", parameters={"unit": "median", "sigma": 2}) == "unchanged"
    assert add(zoo, metric="cka_rbf", parameters={"unit": "absolute", "sigma": 2}) == "added"


def test_a_misspelt_data_set_gets_the_nearest(zoo: SyntheticZoo) -> None:
    with pytest.raises(NotFoundError) as caught:
        add_target(zoo.registry, "madeup", [1], TargetRule())
    assert caught.value.hint == "did you mean made-up ?"


def test_a_target_needs_an_extraction(zoo: SyntheticZoo) -> None:
    with pytest.raises(UsageError, match="one extraction per modality, found none"):
        add_target(zoo.registry, "made-up", [], TargetRule())
