"""The order of rows and columns follows the scores, and nothing else."""

from __future__ import annotations

from itertools import combinations

from analysis.report.ordering import by_mean, clustered


def pairs(**scores: float) -> dict[frozenset[int], float]:
    return {frozenset(map(int, name.removeprefix("p").split("_"))): score for name, score in scores.items()}


def test_the_highest_mean_with_the_others_comes_first() -> None:
    scores = pairs(p1_8=0.2, p1_9=0.2, p2_8=0.5, p2_9=0.1, p3_8=0.1)
    assert by_mean([1, 2, 3], [8, 9], scores) == [2, 1, 3]


def test_a_thing_without_scores_comes_last() -> None:
    assert by_mean([1, 2], [8], pairs(p2_8=0.1)) == [2, 1]
    assert clustered([1, 2, 3, 4], pairs(p2_3=0.1, p2_4=0.2, p3_4=0.3))[-1] == 1


def test_things_that_score_high_with_each_other_stand_together() -> None:
    groups = {1: "a", 2: "b", 3: "a", 4: "b", 5: "a", 6: "b"}
    scores = {
        frozenset(pair): 0.9 if groups[pair[0]] == groups[pair[1]] else 0.1
        for pair in combinations(groups, 2)
    }
    order = clustered(list(groups), scores)
    assert [groups[thing] for thing in order] in (list("aaabbb"), list("bbbaaa"))


def test_scores_without_a_bound_are_ordered_as_those_within_one() -> None:
    scores = pairs(p1_2=0.1, p1_3=0.9, p1_4=0.2, p2_3=0.15, p2_4=0.8, p3_4=0.3)
    wide = {pair: 10 * score for pair, score in scores.items()}
    assert clustered([1, 2, 3, 4], wide) == clustered([1, 2, 3, 4], scores)


def test_the_end_that_aligns_more_with_all_others_comes_first() -> None:
    inside = {frozenset(pair): 0.9 - 0.1 * abs(pair[0] - pair[1]) for pair in combinations((1, 2, 3, 4), 2)}
    rising = inside | {frozenset((thing, 9)): 0.1 * thing for thing in (1, 2, 3, 4)}
    falling = inside | {frozenset((thing, 9)): 0.5 - 0.1 * thing for thing in (1, 2, 3, 4)}
    assert clustered([1, 2, 3, 4], rising) == [4, 3, 2, 1]
    assert clustered([1, 2, 3, 4], falling) == [1, 2, 3, 4]


def test_two_things_need_no_tree() -> None:
    assert clustered([1, 2], pairs(p1_2=0.3)) == [1, 2]
    assert clustered([], {}) == []
