from __future__ import annotations

import json
from pathlib import Path

from registry.handle import Registry
from tests.cavewall.conftest import Call
from tests.ingest.conftest import make_neox


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
    assert result.exit_code == 2
    assert "'bpb'" in result.stderr
