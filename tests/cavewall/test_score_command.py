from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.extraction import default_rule
from ingest.recording import record_embedding
from registry.handle import Registry
from registry.lookup import find_checkpoint, find_dataset
from tests.cavewall.conftest import Call
from tests.ingest.conftest import make_neox
from tests.ingest.covariates import add_judged, layers


def test_bits_per_byte_are_measured_once_and_listed(call: Call, small_zoo: Registry, tmp_path: Path) -> None:
    folder = make_neox(tmp_path / "neox", seed=2)
    assert call("checkpoint", "add", f"path:{folder}", "--name", "neox").exit_code == 0
    assert call("score", "run", "bpb", "neox", "--dry-run").stdout == "would measure  neox\n"
    result = call("score", "run", "bpb", "neox", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("added  neox  ")
    assert "bits per byte" in result.stdout
    assert call("score", "run", "bpb", "neox", "--device", "cpu").stdout.startswith("unchanged  neox  ")
    (row,) = json.loads(call("score", "list", "neox", "--format", "json").stdout)["data"]
    assert (row["checkpoint"], row["metric"], row["item_count"]) == ("neox", "bits_per_byte", 24)
    assert 4 < row["value"] < 12


def test_checkpoint_that_models_no_language_is_refused(call: Call, small_zoo: Registry) -> None:
    result = call("score", "run", "bpb", "pixels", "--device", "cpu")
    assert result.exit_code != 0
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert "pixels" in result.stderr


def test_several_of_which_some_fail_exit_with_3(call: Call, small_zoo: Registry, tmp_path: Path) -> None:
    folder = make_neox(tmp_path / "neox", seed=2)
    call("checkpoint", "add", f"path:{folder}", "--name", "neox")
    result = call("score", "run", "bpb", "neox", "pixels", "--device", "cpu")
    assert result.exit_code == 3
    assert "failed  pixels" in result.stdout


def test_list_of_none_names_what_makes_one(call: Call, small_zoo: Registry) -> None:
    assert call("score", "list").stdout == "no scores: cavewall score run\n"


def test_unknown_benchmark_is_refused(call: Call, small_zoo: Registry) -> None:
    result = call("score", "run", "hellaswag", "pixels")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "no battery 'hellaswag'" in result.stderr
    assert "bpb" in result.stderr


@pytest.fixture
def judged_zoo(small_zoo: Registry) -> Registry:
    """The small zoo with a data set that has covariates, and the words' embedding on it."""
    dataset_id = add_judged(small_zoo)
    with small_zoo.read() as session:
        words = find_checkpoint(session, "words").id
    record_embedding(small_zoo, words, dataset_id, layers(signal=1.0, seed=1))
    return small_zoo


DEFINE = (
    "score", "define", "five", "--dataset", "judged", "--tasks", "kind,sort:4", "--stratify", "sort",
)  # fmt: skip


def test_a_battery_is_defined_once(call: Call, judged_zoo: Registry) -> None:
    text = "five   5 tasks, 60 items for training, 60 for the test\n"
    assert call(*DEFINE, "--dry-run").stdout == f"would be added  {text}"
    result = call(*DEFINE)
    assert result.stdout == f"added  {text}"
    assert "next:  cavewall score run five" in result.stderr
    assert call(*DEFINE).stdout == f"unchanged  {text}"
    (row,) = [json.loads(call(*DEFINE, "--format", "json").stdout)["data"]]
    assert (row["outcome"], row["task_count"], row["is_dry_run"]) == ("unchanged", 5, False)


def test_another_definition_is_refused(call: Call, judged_zoo: Registry) -> None:
    call(*DEFINE)
    result = call(*DEFINE, "--seed", "3")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "seed 0, not as" in result.stderr


def test_unknown_covariate_is_refused_with_the_nearest(call: Call, judged_zoo: Registry) -> None:
    result = call("score", "define", "five", "--dataset", "judged", "--tasks", "kinds")
    assert result.exit_code == 2
    assert "did you mean kind" in result.stderr


def test_a_battery_runs_on_all_that_is_embedded_and_says_who_is_not(call: Call, judged_zoo: Registry) -> None:
    call(*DEFINE)
    call("checkpoint", "retire", "coarse", "--reason", "test", "--yes")
    assert call("score", "run", "five", "--dry-run").stdout == "would measure  words\n"
    result = call("score", "run", "five")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("added  words  balanced accuracy 0.")
    assert result.stdout.endswith("mean of 5 tasks\n")
    assert call("score", "run", "five").stdout == result.stdout.replace("added", "unchanged")


def test_checkpoints_without_an_embedding_are_skipped_with_the_reason(
    call: Call, judged_zoo: Registry
) -> None:
    call(*DEFINE)
    result = call("score", "run", "five", "pixels", "words", "--format", "json")
    assert result.exit_code == 0, result.stderr
    data = json.loads(result.stdout)["data"]
    assert data["counts"] == {"added": 1, "skipped": 1}
    skipped, added = data["lines"]
    assert (skipped["outcome"], skipped["checkpoint"]) == ("skipped", "pixels")
    assert (skipped["value"], skipped["detail"]) == (None, "no embedding on judged")
    assert (added["task_count"], 0.3 < added["value"] < 1, 0.4 < added["chance"] < 0.6) == (5, True, True)
    table = call("score", "run", "five", "pixels", "words").stdout
    assert "skipped  pixels  no embedding on judged\n" in table


def test_the_only_checkpoint_without_an_embedding_is_refused(call: Call, judged_zoo: Registry) -> None:
    call(*DEFINE)
    for more in ((), ("--dry-run",)):
        result = call("score", "run", "five", "pixels", *more)
        assert result.exit_code == 1
        assert "pixels has no embedding on judged" in result.stderr
        assert "cavewall embed extract pixels --dataset judged" in result.stderr


def test_a_rule_chooses_among_embeddings(call: Call, judged_zoo: Registry) -> None:
    call(*DEFINE)
    rule = replace(default_rule("language"), pooling="last")
    with judged_zoo.read() as session:
        words, dataset = find_checkpoint(session, "words").id, find_dataset(session, "judged").id
    record_embedding(judged_zoo, words, dataset, layers(signal=0.0, seed=2), rule=rule)
    result = call("score", "run", "five")
    assert result.exit_code == 1
    assert "failed  words  words has 2 embeddings" in result.stdout
    assert call("score", "run", "five", "--extraction", rule.content_key[:12]).exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("five", "--context", "8"), "--context means nothing for a battery"),
        (("five", "--caption-index", "0"), "--caption-index means nothing for a battery"),
        (("bpb", "words", "--extraction", "abc"), "--extraction means nothing for bpb"),
        (("bpb",), "bits per byte are measured of checkpoints that are named"),
    ],
)
def test_options_of_the_other_kind_are_refused(
    call: Call, judged_zoo: Registry, arguments: tuple[str, ...], message: str
) -> None:
    result = call("score", "run", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


CLAIM = ("score", "add", "pixels", "--benchmark", "toy/one", "--metric", "acc", "--low", "0", "--high", "1")
FROM = ("--source", "board", "--source-kind", "leaderboard", "--date", "2025-03-01")


def test_a_claim_from_outside_is_kept_and_listed(call: Call, small_zoo: Registry) -> None:
    said = (*CLAIM, *FROM, "--value", "0.25", "--chance", "0.1", "--stderr", "0.01")
    assert call(*said, "--dry-run").stdout == "would be added  pixels  toy/one acc 0.25\n"
    assert call("score", "list").stdout == "no scores: cavewall score run\n"
    result = call(*said)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == "added  pixels  toy/one acc 0.25\n"
    assert call(*said).stdout == "unchanged  pixels  toy/one acc 0.25\n"
    again = call("score", "add", "pixels", "--benchmark", "toy/one", "--metric", "acc", "--value", "0.5",
                 "--source", "board")  # fmt: skip
    assert again.stdout == "added  pixels  toy/one acc 0.5\n"
    first, second = json.loads(call("score", "list", "--format", "json").stdout)["data"]
    assert (first["value"], second["value"], first["chance"], first["stderr"]) == (0.25, 0.5, 0.1, 0.01)
    assert (first["source"], first["source_kind"], first["trust"]) == ("board", "leaderboard", "low")
    table = call("score", "list").stdout
    assert all(word in table.splitlines()[0] for word in ("source", "trust", "chance"))


def test_scores_are_listed_by_benchmark(call: Call, small_zoo: Registry) -> None:
    call(*CLAIM, *FROM, "--value", "0.25")
    for pattern in ("toy/one", "toy/*", "toy", "*"):
        assert "pixels" in call("score", "list", "--benchmark", pattern).stdout
    result = call("score", "list", "--benchmark", "toy/onne")
    assert result.exit_code == 1
    assert "did you mean toy/one" in result.stderr


@pytest.mark.parametrize("value", ["nan", "inf", "25", "-0.1"])
def test_a_value_that_cannot_be_is_refused_and_shown(call: Call, small_zoo: Registry, value: str) -> None:
    for _ in range(2):
        result = call(*CLAIM, *FROM, "--value", value)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert f"pixels on toy/one acc: {float(value)!r} is refused" in result.stderr
        assert "0..1" in result.stderr
    assert call("score", "list").stdout == "no scores: cavewall score run\n"
    (row,) = json.loads(call("score", "list", "--refused", "--format", "json").stdout)["data"]
    assert (row["checkpoint"], row["task"], row["value"]) == ("pixels", "toy/one", repr(float(value)))


def test_nothing_refused_says_so(call: Call, small_zoo: Registry) -> None:
    assert call("score", "list", "--refused").stdout == "no claim was refused\n"


@pytest.mark.parametrize(
    ("more", "code", "message"),
    [
        (("--lower-is-better",), 1, "is registered with higher is better, 0..1"),
        (("--high", "100"), 1, "not with higher is better, 0..100"),
        (("--source-kind", "paper"), 1, "is registered with kind leaderboard, not paper"),
        (("--trust", "high"), 1, "is registered with trust low, not high"),
        (("--source", "nobody"), 2, "source nobody is new"),
        (("--source", "own evaluation"), 2, "what this program measures itself"),
        (("--benchmark", "toy"), 2, "write SUITE/TASK"),
        (("--date", "yesterday"), 2, "yesterday"),
    ],
)
def test_what_contradicts_or_is_not_said_is_refused(
    call: Call, small_zoo: Registry, more: tuple[str, ...], code: int, message: str
) -> None:
    assert call(*CLAIM, *FROM, "--value", "0.25").exit_code == 0
    bare = ("score", "add", "pixels", "--benchmark", "toy/one", "--metric", "acc", "--value", "0.5")
    result = call(*bare, "--source", "board", *more)
    assert result.exit_code == code
    assert result.stdout == ""
    assert message in result.stderr
    assert len(json.loads(call("score", "list", "--format", "json").stdout)["data"]) == 1
