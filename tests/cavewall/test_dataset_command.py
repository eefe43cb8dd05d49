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
