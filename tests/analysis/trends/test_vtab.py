"""The whole trend, on a registry whose answer is planted."""

from __future__ import annotations

import pytest

from analysis.snapshot import build_snapshot
from analysis.trends.vtab import VtabTrend, vtab_trend
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from registry.tables import Score, Series
from tests.analysis.tiny import ITEMS, MOMENT, K, TinyZoo, planted_counts
from tests.analysis.trends.planted import BATTERY, change, plant_alignment, plant_scores

TASKS = ("one", "two", "three", "four", "easy")
# How many of the first four tasks each solves; nobody can fail the easy one: its chance is 0.9.
SKILL = {"a": 4, "b": 4, "c": 4, "d": 1, "e": 1, "f": 0, "pixels": 0, "x": 4, "y": 0, "z": 0}
PICTURES = ("a", "b", "c", "d", "e", "f", "pixels")
CHANCE = {"easy": 0.9}


def values_of(skill: int) -> dict[str, float]:
    row = {task: 0.9 if index < skill else 0.3 for index, task in enumerate(TASKS[:4])}
    return row | {"easy": 1.0}


def score_of(left: str, right: str) -> float:
    """Return what is planted: pairs align at 0.2, and by 0.1 more for each task that both solve."""
    return 0.2 + 0.1 * min(SKILL[left], SKILL[right])


def plant(registry: Registry, *, null_mean: float | None = 0.1, **scores: dict[str, float]) -> TinyZoo:
    zoo = TinyZoo(registry)
    zoo.add(*PICTURES)
    zoo.add("x", "y", "z", modality="language")
    plant_alignment(zoo, score_of, null_mean=null_mean)
    change(registry, "pixels", source="baseline", reference="baseline:pixels")
    change(registry, "f", source="baseline", reference="baseline:untrained")
    for name in ("a", "b"):
        change(registry, name, family="siblings")
    with registry.write() as session:
        session.add(Series(name="run"))
        session.flush()
    for step, name in ((0, "y"), (100, "z")):
        change(registry, name, series_id=1, step=step)
    values = {name: values_of(skill) for name, skill in SKILL.items()}
    plant_scores(registry, values | scores, chance=CHANCE)
    build_snapshot(registry)
    return zoo


@pytest.fixture
def trend(sqlite_registry: Registry) -> VtabTrend:
    plant(sqlite_registry)
    return vtab_trend(sqlite_registry, bins=5)


def test_who_solves_what_is_the_planted_answer(trend: VtabTrend) -> None:
    assert {line.name: line.solved for line in trend.checkpoints} == SKILL
    assert [task.task for task in trend.counted] == sorted(TASKS[:4])
    (left_out,) = (task for task in trend.tasks if task.left_out)
    assert left_out.task == "easy"
    assert "chance 0.900" in left_out.left_out
    assert trend.accuracy_chance == pytest.approx(0.1)
    assert {line.name: line.bin for line in trend.checkpoints}["d"] == "1"


def test_bins_hold_the_planted_means(trend: VtabTrend) -> None:
    vision = {line.bin: line for line in trend.bins if line.modality == "vision"}
    assert {name: (line.checkpoints, line.pairs) for name, line in vision.items()} == {
        "0": (2, 1), "1": (2, 1), "2": (0, 0), "3": (0, 0), "4": (3, 3),
    }  # fmt: skip
    assert vision["4"].score == pytest.approx(0.6)
    assert vision["4"].score_se == pytest.approx(0.0)
    assert vision["4"].excess == pytest.approx((0.6 - 0.1) / 0.9)
    assert vision["4"].chance == pytest.approx(0.1)
    assert vision["1"].score == pytest.approx(0.3)
    assert (vision["1"].score_se, vision["1"].score_se_prh) == (None, None)
    assert "without one of them no pair is left" in vision["1"].why
    assert (vision["2"].score, vision["2"].why) == (None, "no checkpoint")


def test_one_checkpoint_in_a_bin_has_no_mean_and_says_why(trend: VtabTrend) -> None:
    (alone,) = (line for line in trend.bins if line.modality == "language" and line.bin == "4")
    assert (alone.checkpoints, alone.score, alone.excess) == (1, None, None)
    assert alone.why == "one checkpoint has no pair"


def test_the_last_layers_stand_beside_the_best(trend: VtabTrend) -> None:
    (top,) = (line for line in trend.bins if line.modality == "vision" and line.bin == "4")
    last = [planted_counts(row, column)[1, 1] / (ITEMS * K) for row, column in ((1, 0), (2, 0), (2, 1))]
    assert top.score_last == pytest.approx(sum(last) / 3)


def test_top_minus_bottom_is_the_planted_difference(trend: VtabTrend) -> None:
    vision = next(line for line in trend.modalities if line.modality == "vision")
    assert (vision.top, vision.bottom, vision.checkpoints, vision.families) == ("4", "0", 7, 6)
    assert vision.score_difference == pytest.approx(0.4)
    assert vision.excess_difference == pytest.approx(0.4 / 0.9)
    # of 210 arrangements of 3 at the top, 2 at the bottom: {a, b, c} at the top, and at the bottom any two of
    # the other four but {d, e}, whose pair is above 0.2
    assert (vision.arrangements, vision.is_exact) == (210, True)
    assert vision.p == pytest.approx(5 / 210)
    assert (vision.without_low, vision.without_high) == (pytest.approx(0.4 / 0.9), pytest.approx(0.4 / 0.9))
    assert vision.undecided_without == ("siblings", "untrained tiny", "pixels")
    assert vision.without_baselines is None
    assert vision.mantel_r == pytest.approx(1.0)
    assert vision.mantel_p == pytest.approx(24 / 5040, abs=5e-3)  # 3! 2! 2! orders of all give r = 1


def test_a_modality_with_one_bin_of_pairs_is_not_judged(trend: VtabTrend) -> None:
    language = next(line for line in trend.modalities if line.modality == "language")
    assert (language.p, language.top, language.why) == (None, None, "fewer than two bins have a pair")


def test_points_are_means_over_the_fixed_group(trend: VtabTrend) -> None:
    assert trend.groups == {"vision": ("a", "b", "c", "d", "e"), "language": ("x", "z")}
    points = {point.name: point for point in trend.points}
    assert points["a"].score == pytest.approx((0.6 + 0.2) / 2)
    assert points["x"].score == pytest.approx((3 * 0.6 + 2 * 0.3) / 5)
    assert points["x"].accuracy == pytest.approx(0.9)
    assert points["x"].score_se == pytest.approx(0.01)
    assert points["x"].chance == pytest.approx(0.1)
    kinds = {point.name: point.kind for point in trend.points}
    assert kinds["pixels"] == "baseline"
    assert kinds["f"] == "untrained"
    assert (kinds["y"], points["z"].step, points["z"].series) == ("training", 100, "run")
    assert kinds["a"] == "trained"


def test_few_families_are_a_warning(trend: VtabTrend) -> None:
    assert "vision: 7 checkpoints of 6 families; below 10 families no fit is claimed" in trend.warnings
    assert "language: 3 checkpoints of 2 families; below 10 families no fit is claimed" in trend.warnings


def test_the_answer_names_its_snapshot_and_its_sql(trend: VtabTrend) -> None:
    assert (trend.snapshot, trend.is_stale, trend.target.name, trend.battery) == (1, False, "main", BATTERY)
    assert set(trend.queries) == {
        "checkpoints_of_target", "pairs_with_last_layers", "scores_of_battery", "tasks_of_battery",
        "zoo_targets",
    }  # fmt: skip
    assert all(text.startswith("-- ") for text in trend.queries.values())


def test_who_lacks_a_task_is_left_out_and_not_counted_as_failing(sqlite_registry: Registry) -> None:
    plant(sqlite_registry, f={"one": 0.3, "four": 0.9})
    trend = vtab_trend(sqlite_registry)
    assert "f" not in {line.name for line in trend.checkpoints}
    (line,) = trend.left_out
    assert (line.name, line.reason, line.tasks) == ("f", "lacks 3 of 5 tasks", ("easy", "three", "two"))


def test_without_a_null_nothing_is_judged_and_scores_are_shown(sqlite_registry: Registry) -> None:
    plant(sqlite_registry, null_mean=None)
    trend = vtab_trend(sqlite_registry)
    top = next(line for line in trend.bins if line.modality == "vision" and line.bin == "4")
    assert (top.score, top.excess, top.chance) == (pytest.approx(0.6), None, None)
    assert top.why == "3 of 3 pairs have no null yet"
    vision = next(line for line in trend.modalities if line.modality == "vision")
    assert (vision.excess_difference, vision.p, vision.mantel_r) == (None, None, None)
    assert vision.score_difference == pytest.approx(0.4)
    assert vision.why == vision.mantel_why == "not every pair has its null"
    assert any("45 of 45 pairs have no null yet" in warning for warning in trend.warnings)


def test_a_pinned_reference_changes_who_solves_what(sqlite_registry: Registry) -> None:
    plant(sqlite_registry)
    trend = vtab_trend(sqlite_registry, reference=["d"])  # its best is 0.3 but for task one
    assert {line.solved for line in trend.checkpoints} == {3, 4}
    assert trend.reference == ("d",)
    with pytest.raises(NotFoundError, match="no checkpoint 'pixel' has a score") as caught:
        vtab_trend(sqlite_registry, reference=["pixel"])
    assert "pixels" in caught.value.hint


def test_a_reference_that_lacks_a_task_is_refused(sqlite_registry: Registry) -> None:
    plant(sqlite_registry, f={"one": 0.3})
    with pytest.raises(UsageError, match="'f' cannot be a reference: it lacks easy, four, three, two"):
        vtab_trend(sqlite_registry, reference=["f"])


def test_a_modality_and_a_group_can_be_chosen(sqlite_registry: Registry) -> None:
    plant(sqlite_registry)
    trend = vtab_trend(sqlite_registry, modality="vision", group=["x"])
    assert {line.modality for line in trend.bins} == {"vision"}
    assert {point.modality for point in trend.points} == {"vision"}
    assert {point.name: point.score for point in trend.points}["a"] == pytest.approx(0.6)
    with pytest.raises(UsageError, match="modality 'sound'"):
        vtab_trend(sqlite_registry, modality="sound")
    with pytest.raises(NotFoundError, match="compares no checkpoint 'w'"):
        vtab_trend(sqlite_registry, group=["w"])


def test_arguments_that_mean_nothing_are_refused(sqlite_registry: Registry) -> None:
    plant(sqlite_registry)
    with pytest.raises(UsageError, match="4 tasks make 1 to 5 bins, not 6"):
        vtab_trend(sqlite_registry, bins=6)
    with pytest.raises(UsageError, match="edges must rise from 0 to 4"):
        vtab_trend(sqlite_registry, edges=[0, 3])
    with pytest.raises(UsageError, match="at most 1, not 2"):
        vtab_trend(sqlite_registry, solved_at=2.0)
    with pytest.raises(UsageError, match="no task of 'tiny-tasks' counts"):
        vtab_trend(sqlite_registry, solved_at=0.1)


def test_several_batteries_have_to_be_chosen_from(sqlite_registry: Registry) -> None:
    plant(sqlite_registry)
    plant_scores(sqlite_registry, {"a": {"one": 0.5}, "b": {"one": 0.6}}, battery="other")
    build_snapshot(sqlite_registry)
    with pytest.raises(UsageError, match="there are 2 batteries") as caught:
        vtab_trend(sqlite_registry)
    assert caught.value.hint == "choose one: --battery other | tiny-tasks"
    assert len(vtab_trend(sqlite_registry, battery="other", bins=1).checkpoints) == 2
    with pytest.raises(NotFoundError, match="no battery 'vtab'"):
        vtab_trend(sqlite_registry, battery="vtab")
    with pytest.raises(NotFoundError, match="no target 'nowhere'"):
        vtab_trend(sqlite_registry, battery="other", target="nowhere")


def test_results_under_two_protocols_are_a_warning(sqlite_registry: Registry) -> None:
    plant(sqlite_registry)
    plant_scores(sqlite_registry, {"a": {"one": 0.5}}, battery="mixed", protocol="linear probe")
    with sqlite_registry.write() as session:
        session.add(
            Score(
                content_key="0" * 64, checkpoint_id=2, benchmark_id=6, value=0.4, source_id=1, details={},
                protocol="kNN", measured_at=MOMENT,
            )
        )  # fmt: skip
    build_snapshot(sqlite_registry)
    trend = vtab_trend(sqlite_registry, battery="mixed", bins=1)
    assert "measured in more than one way, so not quite comparable: one" in trend.warnings


def test_too_little_to_ask_about_is_one_clear_sentence(sqlite_registry: Registry) -> None:
    with pytest.raises(NotFoundError, match="no snapshot"):
        vtab_trend(sqlite_registry)
    build_snapshot(sqlite_registry)
    with pytest.raises(NotFoundError, match="snapshot 1 has no battery"):
        vtab_trend(sqlite_registry)
    zoo = TinyZoo(sqlite_registry)
    zoo.add("a", "b")
    plant_scores(sqlite_registry, {"a": {"one": 0.5}})
    build_snapshot(sqlite_registry)
    with pytest.raises(UsageError, match="1 of 2 checkpoints of target 'main' have all 1 tasks") as caught:
        vtab_trend(sqlite_registry)
    assert "cavewall score list" in caught.value.hint


def test_a_target_without_pairs_within_a_modality_says_so(sqlite_registry: Registry) -> None:
    zoo = TinyZoo(sqlite_registry, pairs="across")
    zoo.add("a", "b")
    zoo.add("x", modality="language")
    plant_alignment(zoo, score_of)
    plant_scores(sqlite_registry, {name: values_of(SKILL[name]) for name in ("a", "b", "x")}, chance=CHANCE)
    build_snapshot(sqlite_registry)
    trend = vtab_trend(sqlite_registry)
    assert any("has no pairs within a modality" in warning for warning in trend.warnings)
    assert all(line.score is None for line in trend.bins)
    assert {point.name: point.score for point in trend.points}["a"] == pytest.approx(0.6)
