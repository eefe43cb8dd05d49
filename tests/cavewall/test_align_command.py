from __future__ import annotations

import json

import pytest

from registry.handle import Registry
from registry.lock import writer_lock
from tests.cavewall.conftest import Call


def test_plan_then_run_then_nothing_to_do(call: Call, small_zoo: Registry) -> None:
    (plan,) = json.loads(call("align", "plan", "--format", "json").stdout)["data"]
    assert (plan["name"], plan["pairs"], plan["layer_pairs"]) == ("tiny/mutual-knn-k3", 3, 12)
    assert "cavewall align run" in call("align", "plan").stderr
    result = call("align", "run", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert "aligned 3 pairs, 12 layer pairs" in result.stdout
    assert "phase=align done=3 total=3" in result.stderr
    again = call("align", "run")
    assert again.exit_code == 0
    assert again.stdout == "nothing to do: 3 of 3 pairs are fresh\n"
    assert again.stderr == ""
    assert call("align", "plan").stdout == again.stdout


def test_dry_run_is_the_plan(call: Call, small_zoo: Registry) -> None:
    assert call("align", "run", "--dry-run").stdout == call("align", "plan").stdout
    assert json.loads(call("target", "list", "--format", "json").stdout)["data"][0]["fresh"] == 0


def test_run_in_json_has_its_numbers(call: Call, small_zoo: Registry) -> None:
    result = call("align", "run", "--device", "cpu", "--format", "json", "--quiet")
    data = json.loads(result.stdout)["data"]
    assert (data["pairs"], data["layer_pairs"], data["failed"]) == (3, 12, 0)
    assert result.stderr == ""


def test_second_run_exits_with_75_and_says_who_holds_the_lock(call: Call, small_zoo: Registry) -> None:
    with writer_lock(small_zoo, "align run"):
        result = call("align", "run", "--device", "cpu")
    assert result.exit_code == 75
    assert result.stdout == ""
    assert "another run holds the lock: run 1 (align run), pid" in result.stderr


def test_unknown_target_suggests_the_nearest(call: Call, small_zoo: Registry) -> None:
    for command in ("plan", "run"):
        result = call("align", command, "tiny/mutual-knn-k4")
        assert result.exit_code == 1
        assert "did you mean tiny/mutual-knn-k3 ?" in result.stderr


@pytest.mark.parametrize("duration", ["soon", "-1", "3x"])
def test_budget_that_is_no_duration_is_refused(call: Call, small_zoo: Registry, duration: str) -> None:
    result = call("align", "run", f"--budget={duration}")
    assert result.exit_code == 2
    assert "is no duration; write 90, 30m, 2h or 1h30m" in result.stderr


def test_budget_is_read_from_its_variable(
    call: Call, small_zoo: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CAVEWALL_ALIGN_RUN_BUDGET", "0s")
    result = call("align", "run", "--device", "cpu")
    assert result.exit_code == 0
    assert "aligned 0 pairs" in result.stdout
    assert "the budget is used up" in result.stderr


def test_bad_embedding_loses_its_own_pairs_only_and_exits_with_3(call: Call, small_zoo: Registry) -> None:
    next(small_zoo.store.root.glob("embeddings/*/*")).write_bytes(b"damaged")
    result = call("align", "run", "--device", "cpu")
    assert result.exit_code == 3
    assert "aligned 1 pair," in result.stdout
    assert "warning:" in result.stderr


def test_nothing_to_do_without_a_target(call: Call, zoo: Registry) -> None:
    result = call("align", "run")
    assert result.exit_code == 0
    assert "cavewall target add" in result.stdout


def test_plan_says_why_and_what_it_takes(call: Call, small_zoo: Registry) -> None:
    text = call("align", "plan").stdout
    assert "Missing pairs of tiny/mutual-knn-k3 (every layer pair, best kept)" in text
    assert "data set tiny, metric mutual_knn k=3, recipe cosine" in text
    assert "No rate was measured on this host yet" in text
    assert "neighbours to build   3 embeddings      6 layers" in text
    assert call("align", "run", "--device", "cpu", "--no-null").exit_code == 0
    (row,) = json.loads(call("align", "plan", "--format", "json").stdout)["data"]
    assert [reason["reason"] for reason in row["reasons"]] == ["null, 500 draws"]
    assert (row["metric"], row["parameters"], row["device"]) == ("mutual_knn", {"k": 3}, "cpu")
    assert row["peak_memory"] > row["disk_bytes"] >= 0
    assert row["rate_run_id"] is not None
    assert "The rate was measured on this host on" in call("align", "plan").stdout


def test_explain_says_what_to_run_next(call: Call, small_zoo: Registry) -> None:
    result = call("align", "explain", "pixels", "words")
    assert result.exit_code == 0
    assert result.stdout.startswith("tiny/mutual-knn-k3: missing")
    assert "next:  cavewall align run tiny/mutual-knn-k3" in result.stdout
    assert call("align", "run", "--device", "cpu").exit_code == 0
    (found,) = json.loads(call("align", "explain", "words", "pixels", "--format", "json").stdout)["data"]
    assert (found["status"], found["next_command"]) == ("fresh", None)
    assert all(link["is_there"] for link in found["links"])


def test_explain_of_an_unknown_checkpoint_suggests_the_nearest(call: Call, small_zoo: Registry) -> None:
    result = call("align", "explain", "pixel", "words")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "pixels" in result.stderr


@pytest.mark.parametrize("size", ["much", "0", "-2GB"])
def test_memory_that_is_no_size_is_refused(call: Call, small_zoo: Registry, size: str) -> None:
    result = call("align", "run", f"--memory={size}")
    assert result.exit_code == 2
    assert "write 500MB, 2GB or 1.5GiB" in result.stderr


def test_too_small_a_memory_names_the_smallest_that_works(call: Call, small_zoo: Registry) -> None:
    result = call("align", "run", "--device", "cpu", "--memory", "100B")
    assert result.exit_code == 2
    assert "of memory, the budget is 100 B" in result.stderr
    smallest = result.stderr.partition("cavewall align run --memory ")[2].split()[0]
    assert call("align", "run", "--device", "cpu", "--memory", smallest).exit_code == 0
