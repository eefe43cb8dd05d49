from __future__ import annotations

import json
from pathlib import Path

from registry.handle import Registry
from tests.cavewall.conftest import Call, write_items


def test_add_registers_and_the_same_again_changes_nothing(call: Call, zoo: Registry, tmp_path: Path) -> None:
    pictures, texts = write_items(tmp_path)
    result = call("dataset", "add", "noise", "--pictures", pictures, "--texts", texts, "--credit", "me")
    assert result.exit_code == 0
    assert result.stdout == "added  noise   24 items, vision+language\n"
    assert call("dataset", "add", "noise", "--pictures", pictures, "--texts", texts).stdout.startswith(
        "unchanged"
    )


def test_dry_run_reads_the_items_and_writes_nothing(call: Call, zoo: Registry, tmp_path: Path) -> None:
    pictures, _ = write_items(tmp_path)
    result = call("dataset", "add", "noise", "--pictures", pictures, "--dry-run")
    assert result.stdout == "would be added  noise   24 items, vision\n"
    assert call("dataset", "list").stdout == "no data sets: cavewall dataset add\n"
    assert [path for path in zoo.store.root.rglob("*") if path.is_file()] == []


def test_broken_items_are_refused_on_a_dry_run_too(call: Call, zoo: Registry, tmp_path: Path) -> None:
    pictures, _ = write_items(tmp_path)
    (pictures / "item03.png").write_bytes(b"not a picture")
    for options in ((), ("--dry-run",)):
        result = call("dataset", "add", "noise", "--pictures", pictures, *options)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert "item03" in result.stderr


def test_folder_that_is_missing_is_refused(call: Call, zoo: Registry) -> None:
    result = call("dataset", "add", "noise", "--pictures", "no-such-folder")
    assert result.exit_code == 1
    assert "no-such-folder: no such folder" in result.stderr


def test_list_and_show(call: Call, small_zoo: Registry) -> None:
    (row,) = json.loads(call("dataset", "list", "--format", "json").stdout)["data"]
    assert (row["name"], row["item_count"], row["embeddings"]) == ("tiny", 24, 3)
    shown = json.loads(call("dataset", "show", "tiny", "--format", "json").stdout)["data"]
    assert shown["licence"] == "CC0-1.0"
    assert len(shown["embeddings"]) == 3


def test_unknown_data_set_suggests_the_nearest(call: Call, small_zoo: Registry) -> None:
    result = call("dataset", "show", "tinny")
    assert result.exit_code == 1
    assert "did you mean tiny ?" in result.stderr


def add_words(call: Call, folder: Path, *options: object) -> None:
    """Register 24 items: two share a word, three a group; half are of one kind."""
    lines = ["id,text,photo,kind"]
    lines += [f"i{n},thing{n % 23},g{max(n, 2)},{'pq'[n % 2]}" for n in range(24)]
    table = folder / "words.csv"
    table.write_text("\n".join(lines) + "\n")
    assert call("dataset", "add", "words", "--texts", table, *options).exit_code == 0


def test_exclude_names_pairs_and_the_same_again_changes_nothing(
    call: Call, zoo: Registry, tmp_path: Path
) -> None:
    add_words(call, tmp_path)
    rehearsed = call("dataset", "exclude", "words", "shared-word", "--shared-words", "--dry-run")
    assert rehearsed.stdout == "would be added  shared-word   1 pair, 0.36% of all, at most 1 at one item\n"
    assert json.loads(call("dataset", "show", "words", "--format", "json").stdout)["data"]["exclusions"] == []
    result = call("dataset", "exclude", "words", "shared-word", "--shared-words")
    assert (result.exit_code, result.stdout) == (
        0,
        "added  shared-word   1 pair, 0.36% of all, at most 1 at one item\n",
    )
    assert call("dataset", "exclude", "words", "shared-word", "--shared-words").stdout.startswith("unchanged")
    pairs = tmp_path / "pairs.csv"
    pairs.write_text("left,right\ni3,i4\n")
    other = call("dataset", "exclude", "words", "shared-word", "--pairs", pairs)
    assert (other.exit_code, other.stdout) == (1, "")
    assert "the exclusion 'shared-word' of data set words has other pairs: 1, not 1" in other.stderr
    third = call("dataset", "exclude", "words", "listed", "--pairs", pairs, "--format", "json")
    assert json.loads(third.stdout)["data"]["pair_count"] == 1


def test_exclude_needs_one_rule_and_a_narrow_one(call: Call, zoo: Registry, tmp_path: Path) -> None:
    add_words(call, tmp_path)
    result = call("dataset", "exclude", "words", "x")
    assert result.exit_code == 2
    assert "an exclusion is made by one rule, found 0" in result.stderr
    result = call("dataset", "exclude", "words", "x", "--same", "kind")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "'x' excludes 47.8% of all pairs of data set words (132 of 276)" in result.stderr


def test_show_counts_groups_classes_and_excluded_pairs(call: Call, zoo: Registry, tmp_path: Path) -> None:
    add_words(call, tmp_path, "--groups", "photo")
    assert call("dataset", "exclude", "words", "photo", "--same", "group_id").exit_code == 0
    shown = json.loads(call("dataset", "show", "words", "--format", "json").stdout)["data"]
    assert (shown["pairing"], shown["groups"], shown["problem"]) == ("grouped", 22, None)
    assert shown["covariates"] == [{"name": "kind", "classes": 2}]
    (exclusion,) = shown["exclusions"]
    assert (exclusion["name"], exclusion["pairs"], exclusion["most_at_one_item"]) == ("photo", 3, 2)
    assert exclusion["rule"] == {"by": "same", "covariate": "group_id"}
    assert "photo" in call("dataset", "show", "words").stdout


def test_show_says_what_is_wrong_with_the_items(call: Call, small_zoo: Registry) -> None:
    for path in (small_zoo.store.root / "datasets").rglob("*.parquet"):
        path.unlink()
    shown = json.loads(call("dataset", "show", "tiny", "--format", "json").stdout)["data"]
    assert "is missing in the store" in shown["problem"]
    assert (shown["groups"], shown["covariates"]) == (None, None)
