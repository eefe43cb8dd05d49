from __future__ import annotations

import json

from registry.handle import Registry
from tests.cavewall.conftest import Call


def test_add_registers_and_the_same_again_changes_nothing(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--k", "5", "--pairs", "across")
    assert result.exit_code == 0
    assert result.stdout == "added  tiny/mutual-knn-k5-across   2 pairs missing\n"
    assert call("target", "add", "--k", "5", "--pairs", "across").stdout.startswith("unchanged")


def test_dry_run_counts_the_pairs_and_writes_nothing(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--k", "5", "--dry-run")
    assert result.stdout == "would be added  tiny/mutual-knn-k5   3 pairs missing\n"
    assert len(json.loads(call("target", "list", "--format", "json").stdout)["data"]) == 1


def test_unknown_metric_suggests_the_nearest(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--metric", "mutual_nn")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no metric 'mutual_nn'" in result.stderr
    assert "mutual_knn" in result.stderr


def test_k_that_the_data_set_cannot_have_is_refused(call: Call, small_zoo: Registry) -> None:
    result = call("target", "add", "--k", "24")
    assert result.exit_code == 2
    assert "k is 24, expected 1 to 23" in result.stderr


def test_list_says_how_much_is_there(call: Call, small_zoo: Registry) -> None:
    (row,) = json.loads(call("target", "list", "--format", "json").stdout)["data"]
    assert (row["name"], row["parameters"], row["fresh"], row["wanted"]) == (
        "tiny/mutual-knn-k3",
        {"k": 3},
        0,
        3,
    )
    assert sorted(row["extractions"]) == ["language", "vision"]
    assert "k=3" in call("target", "list").stdout
