"""What is missing is said with its reason and the next command."""

from __future__ import annotations

from analysis.report.absence import missing_of_zoo, why_no_pair
from tests.analysis.report.rows import checkpoint, target

LITE, MINILM = checkpoint(1, "lite"), checkpoint(2, "minilm", "language")


def commands(*checkpoints: object, **changed: object) -> list[str]:
    options = {"is_stale": False, "has_scores": True} | changed
    targets = options.pop("targets", [target()])
    status = options.pop("status", {1: {1: "ready", 2: "ready"}})
    found = missing_of_zoo(list(checkpoints), targets, status, **options)  # type: ignore[arg-type]
    return [one.command for one in found]


def test_a_pair_without_embedding_says_whose_is_missing() -> None:
    said = why_no_pair(LITE, MINILM, target(), {1: "ready", 2: None})
    assert said == "minilm has no embedding of six"
    assert (
        why_no_pair(LITE, MINILM, target(), {1: "corrupt", 2: "ready"}) == "the embedding of lite is corrupt"
    )


def test_a_pair_with_both_embeddings_waits_for_its_run() -> None:
    assert (
        why_no_pair(LITE, MINILM, target(), {1: "ready", 2: "ready"})
        == "not computed yet: cavewall align run"
    )


def test_a_whole_zoo_lacks_nothing() -> None:
    assert commands(LITE, MINILM) == []


def test_an_empty_zoo_says_how_to_begin() -> None:
    assert commands(targets=[], has_scores=False) == [
        "cavewall checkpoint add REFERENCE",
        "cavewall target add --dataset NAME",
    ]


def test_each_lack_names_its_command() -> None:
    behind = target(fresh_count=8, calibrated_count=3, blocked_count=2)
    status = {1: {1: "ready", 2: None}}
    assert commands(LITE, MINILM, targets=[behind], status=status, is_stale=True, has_scores=False) == [
        "cavewall snapshot build",
        "cavewall embed extract minilm",
        "cavewall align run",
        "cavewall align run",
        "cavewall embed list",
        "cavewall score run BATTERY",
    ]


def test_a_floating_revision_is_said_but_not_that_of_a_baseline() -> None:
    floating = checkpoint(1, "main", revision=None, source="hf")
    baseline = checkpoint(2, "pixels", revision=None, source="baseline")
    found = missing_of_zoo([floating, baseline], [], {}, is_stale=False, has_scores=True)
    assert [one.why for one in found if "revision" in one.what] == [
        "a moving name could not be resolved: main"
    ]
