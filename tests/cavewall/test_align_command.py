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
