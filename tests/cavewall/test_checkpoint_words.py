"""Names, tags and attributes on the command line."""

from __future__ import annotations

import json

from registry.handle import Registry
from tests.cavewall.conftest import Call


def shown(call: Call, name: str) -> dict[str, object]:
    data: dict[str, object] = json.loads(call("checkpoint", "show", name, "--format", "json").stdout)["data"]
    return data


def test_a_checkpoint_is_renamed_and_shows_its_names(call: Call, small_zoo: Registry) -> None:
    result = call("checkpoint", "name", "pixels", "raw")
    assert (result.exit_code, result.stdout) == (0, "changed  pixels is now raw\n")
    assert call("checkpoint", "name", "raw", "raw").stdout == "unchanged  raw\n"
    names = shown(call, "raw")["names"]
    assert isinstance(names, list)
    assert [(row["name"], row["ended_at"] is None) for row in names] == [("pixels", False), ("raw", True)]


def test_a_name_is_moved_only_on_purpose(call: Call, small_zoo: Registry) -> None:
    refused = call("checkpoint", "name", "pixels", "coarse")
    assert refused.exit_code == 1
    assert "--move" in refused.stderr
    dry = call("checkpoint", "name", "coarse", "--move", "pixels", "--dry-run", "--format", "json")
    row = json.loads(dry.stdout)["data"]
    assert (row["name"], row["before"], row["outcome"], row["is_dry_run"]) == (
        "coarse",
        "pixels",
        "changed",
        True,
    )
    assert shown(call, "coarse")["reference"] == "baseline:pixels:16"
    moved = call("checkpoint", "name", "coarse", "--move", "pixels")
    assert moved.stdout.startswith("changed  pixels is now coarse; it was the name of ")
    assert shown(call, "coarse")["reference"] == "baseline:pixels"


def test_a_name_without_its_other_half_is_refused(call: Call, small_zoo: Registry) -> None:
    for words in (("pixels",), ("pixels", "raw", "--move", "coarse")):
        result = call("checkpoint", "name", *words)
        assert result.exit_code == 2
        assert "cavewall checkpoint name CHECKPOINT NEW" in result.stderr


def test_tags_are_added_removed_and_shown(call: Call, small_zoo: Registry) -> None:
    assert call("checkpoint", "tag", "pixels", "words", "--add", "a", "--add", "b").stdout == "changed 2\n"
    assert call("checkpoint", "tag", "tag:a", "--add", "a").stdout == "unchanged 2\n"
    assert call("checkpoint", "tag", "tag:a", "--remove", "b", "--dry-run").stdout.startswith("changed 2\n")
    assert call("checkpoint", "tag", "words", "--remove", "b").stdout == "changed 1\n"
    assert (shown(call, "pixels")["tags"], shown(call, "words")["tags"]) == (["a", "b"], ["a"])
    assert "a, b" in call("checkpoint", "list").stdout
    refused = call("checkpoint", "tag", "pixels")
    assert (refused.exit_code, refused.stdout) == (2, "")


def test_attributes_are_set_for_several_at_once(call: Call, small_zoo: Registry) -> None:
    words = ("checkpoint", "set", "*o*", "visibility=public", "lr=3e-4", "licence=CC0 1.0")
    assert call(*words, "--dry-run").stdout == "changed 2\nnothing was written (--dry-run)\n"
    assert call(*words).stdout == "changed 2\n"
    assert call(*words).stdout == "unchanged 2\n"
    found = shown(call, "words")
    assert (found["visibility"], found["licence"], found["attributes"]) == ("public", "CC0 1.0", {"lr": 3e-4})


def test_what_cannot_be_set_is_one_sentence(call: Call, small_zoo: Registry) -> None:
    for words, sentence in (
        (("pixels", "step=3"), "'step' cannot be set"),
        (("pixels",), "nothing to set"),
        (("lr=3",), "no checkpoint is named"),
        (("pixels", "license=3"), "did you mean licence ?"),
    ):
        result = call("checkpoint", "set", *words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert sentence in result.stderr
