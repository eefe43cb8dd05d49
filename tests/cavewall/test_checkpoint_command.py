from __future__ import annotations

import json
from pathlib import Path

import pytest

from registry.handle import Registry
from registry.listings import list_checkpoints
from tests.cavewall.conftest import Call


def names(registry: Registry, *, with_retired: bool = False) -> list[str]:
    with registry.read() as session:
        return [line.name for line in list_checkpoints(session, with_retired=with_retired)]


def test_add_registers_and_the_same_again_changes_nothing(call: Call, zoo: Registry) -> None:
    result = call(
        "checkpoint", "add", "baseline:pixels", "--name", "raw", "--set", "lr=3e-4", "--set", "who=me"
    )
    assert result.exit_code == 0
    assert result.stdout.startswith("added  raw  baseline:pixels  vision")
    assert "cavewall embed extract" in result.stderr
    again = call("checkpoint", "add", "baseline:pixels")
    assert again.exit_code == 0
    assert again.stdout.startswith("unchanged  raw")
    shown = json.loads(call("checkpoint", "show", "raw", "--format", "json").stdout)["data"]
    assert shown["attributes"] == {"lr": 3e-4, "who": "me"}


def test_add_without_a_meaning_is_refused(call: Call, zoo: Registry) -> None:
    result = call("checkpoint", "add", "pixels")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "'pixels' is not a reference" in result.stderr
    assert "timm:NAME" in result.stderr
    assert names(zoo) == []


def test_dry_run_says_the_same_and_writes_nothing(call: Call, zoo: Registry) -> None:
    result = call("checkpoint", "add", "baseline:pixels", "baseline:tf-idf", "--dry-run")
    assert result.exit_code == 0
    assert "added 2" in result.stdout
    assert "nothing was written" in result.stdout
    assert names(zoo) == []


def test_lines_of_stdin_are_independent(call: Call, zoo: Registry) -> None:
    call("checkpoint", "add", "baseline:pixels")
    lines = "# my zoo\nbaseline:pixels\n\nbaseline:nothing\nbaseline:tf-idf  # words\nbaseline:pixels:16\n"
    result = call("checkpoint", "add", "-", stdin=lines)
    assert result.exit_code == 3
    assert "failed  line 4  baseline:nothing" in result.stdout
    assert result.stdout.splitlines()[-1] == "added 2, unchanged 1, failed 1"
    assert "1 of 4 references failed" in result.stderr
    assert names(zoo) == ["pixels", "tf-idf", "pixels-16"]


def test_only_failures_exit_with_1(call: Call, zoo: Registry) -> None:
    result = call("checkpoint", "add", "nothing", "neither")
    assert result.exit_code == 1
    assert "all 2 references failed" in result.stderr


def test_json_of_add_has_counts_and_lines(call: Call, zoo: Registry) -> None:
    result = call("checkpoint", "add", "baseline:pixels", "nothing", "--format", "json")
    assert result.exit_code == 3
    data = json.loads(result.stdout)["data"]
    assert data["counts"] == {"added": 1, "failed": 1}
    assert [line["outcome"] for line in data["lines"]] == ["added", "failed"]
    assert data["lines"][1]["hint"]
    lines = call("checkpoint", "add", "baseline:pixels", "nothing", "--format", "jsonl").stdout.splitlines()
    assert [json.loads(line)["reference"] for line in lines] == ["baseline:pixels", "nothing"]


@pytest.mark.parametrize("option", [("--name", "x"), ("--step", "1"), ("--sha256", "0" * 64)])
def test_option_of_one_checkpoint_is_refused_for_several(
    call: Call, zoo: Registry, option: tuple[str, str]
) -> None:
    result = call("checkpoint", "add", "baseline:pixels", "baseline:tf-idf", *option)
    assert result.exit_code == 2
    assert f"{option[0]} belongs to one checkpoint" in result.stderr
    assert names(zoo) == []


def test_attribute_without_a_value_is_refused(call: Call, zoo: Registry) -> None:
    result = call("checkpoint", "add", "baseline:pixels", "--set", "lr")
    assert result.exit_code == 2
    assert "KEY=VALUE" in result.stderr


def test_missing_file_is_one_sentence(call: Call, zoo: Registry) -> None:
    result = call("checkpoint", "add", "path:no/such.safetensors", "--like", "timm:resnet18")
    assert result.exit_code == 1
    assert result.stderr.startswith("error:")
    assert "no/such.safetensors" in result.stderr


def test_list_shows_all_or_those_of_a_pattern(call: Call, small_zoo: Registry) -> None:
    assert [line.split()[0] for line in call("checkpoint", "list").stdout.splitlines()] == [
        "name", "pixels", "words", "coarse",
    ]  # fmt: skip
    rows = json.loads(call("checkpoint", "list", "*o*", "--format", "json").stdout)["data"]
    assert [row["name"] for row in rows] == ["words", "coarse"]
    assert [row["embeddings"] for row in rows] == [1, 1]
    assert len(call("checkpoint", "list", "--limit", "2", "--format", "jsonl").stdout.splitlines()) == 2


def test_pattern_that_matches_nothing_is_refused(call: Call, small_zoo: Registry) -> None:
    result = call("checkpoint", "list", "dino*")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert "no name matches 'dino*'" in result.stderr


def test_fields_of_the_list_are_an_interface(call: Call, small_zoo: Registry) -> None:
    envelope = json.loads(call("checkpoint", "list", "--format", "json").stdout)
    assert envelope["schema"] == "cavewall/checkpoint-list@1"
    assert list(envelope["data"][0]) == [
        "name", "reference", "resolved", "is_floating", "source", "modality", "architecture",
        "parameter_count", "family", "series", "step", "embeddings", "registered_at",
        "retired_at", "retired_reason", "tags",
    ]  # fmt: skip


def test_show_has_the_embeddings_too(call: Call, small_zoo: Registry) -> None:
    result = call("checkpoint", "show", "pixels")
    assert result.exit_code == 0
    assert "embeddings:" in result.stdout
    (line,) = call("checkpoint", "show", "pixels", "--format", "jsonl").stdout.splitlines()
    assert json.loads(line)["embeddings"][0]["dataset"] == "tiny"


def test_unknown_name_suggests_the_nearest(call: Call, small_zoo: Registry) -> None:
    result = call("checkpoint", "show", "pixel")
    assert result.exit_code == 1
    assert "did you mean pixels ?" in result.stderr


def test_retire_needs_yes_without_a_terminal(call: Call, small_zoo: Registry) -> None:
    result = call("checkpoint", "retire", "pixels", "--reason", "test")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "--yes" in result.stderr
    assert "pixels" in names(small_zoo)


def test_retire_and_restore_are_a_circle(call: Call, small_zoo: Registry) -> None:
    assert "retired 2" in call("checkpoint", "retire", "*o*", "--reason", "test", "--yes", "--dry-run").stdout
    assert len(names(small_zoo)) == 3
    result = call("checkpoint", "retire", "*o*", "--reason", "a test", "--yes")
    assert result.exit_code == 0
    assert result.stdout == "retired 2\n"
    assert names(small_zoo) == ["pixels"]
    listed = json.loads(call("checkpoint", "list", "--retired", "--format", "json").stdout)["data"]
    assert {row["name"]: row["retired_reason"] for row in listed}["words"] == "a test"
    again = call("checkpoint", "retire", "words", "--reason", "a test", "--yes")
    assert again.stdout == "unchanged 1\n"
    assert call("checkpoint", "restore", "*o*").stdout == "restored 2\n"
    assert len(names(small_zoo)) == 3


def test_restore_of_what_is_not_there_is_refused(call: Call, small_zoo: Registry, tmp_path: Path) -> None:
    result = call("checkpoint", "restore", "nobody")
    assert result.exit_code == 1
    assert "no checkpoint 'nobody'" in result.stderr
