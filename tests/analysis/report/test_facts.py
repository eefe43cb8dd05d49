"""Targets that can be compared belong together, and are told apart in words."""

from __future__ import annotations

from analysis.report.facts import main_targets, rule_titles
from tests.analysis.report.rows import target


def test_targets_of_one_data_set_and_metric_are_a_family_with_the_plain_one_first() -> None:
    strict = target(target_id=1, name="strict", recipe="exclude:word,raw")
    plain = target(target_id=2, name="plain")
    elsewhere = target(target_id=3, name="elsewhere", dataset_id=2)
    other_k = target(target_id=4, name="k5", parameters='{"k": 5}')
    families = main_targets([strict, plain, elsewhere, other_k])
    assert [[one.name for one in family] for family in families] == [
        ["plain", "strict"],
        ["elsewhere"],
        ["k5"],
    ]


def test_a_rule_is_named_by_what_it_excludes() -> None:
    family = [target(), target(target_id=2, recipe="centre,exclude:word,cosine")]
    assert rule_titles(family) == {1: "all neighbours", 2: "without neighbours related by word"}


def test_rules_that_exclude_the_same_are_named_by_their_targets() -> None:
    family = [target(name="a"), target(target_id=2, name="b", recipe="centre,cosine")]
    assert rule_titles(family) == {1: "a", 2: "b"}


def test_a_metric_without_k_compares_no_neighbours() -> None:
    other = target(metric="cka", parameters='{"kernel": "linear"}')
    assert other.k is None
    assert other.measure == "cka, kernel = linear"
    assert target().measure == "mutual k-nearest neighbours, k = 2"
