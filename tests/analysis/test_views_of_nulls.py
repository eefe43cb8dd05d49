"""What the views of the alignment make of an interval and a null: formulas, and the status."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from analysis.answers import ask
from analysis.snapshot import build_snapshot
from registry.handle import Registry
from registry.tables import Target
from tests.analysis.tiny import ITEMS, K, TinyZoo, planted_counts


def ask_rows(registry: Registry, sql: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = ask(registry, sql).table.to_pylist()
    return rows


@pytest.fixture
def zoo(sqlite_registry: Registry) -> TinyZoo:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a", "b")
    tiny.add("c", modality="language")
    return tiny


def planted_null(zoo: TinyZoo) -> dict[tuple[int, int], dict[str, Any]]:
    """Give the pairs (1, 0) and (2, 0) nulls of 19 and of 39 draws, of the 39 that the target wants."""
    zoo.calibrate({(1, 0): 0.05}, draws=19, null_mean=0.25, tau=0.5, score_se=0.02, calibrated=0.125)
    zoo.calibrate({(2, 0): 0.5}, draws=39, null_mean=1.0, tau=1.0)
    with zoo.registry.write() as session:
        session.execute(update(Target).values(draws=39))
    build_snapshot(zoo.registry)
    rows = ask_rows(zoo.registry, "SELECT * FROM alignment")
    return {(row["right_embedding_id"] - 1, row["left_embedding_id"] - 1): row for row in rows}


def test_the_status_of_a_pair_says_how_far_its_null_is(zoo: TinyZoo) -> None:
    rows = planted_null(zoo)
    assert rows[1, 0]["status"] == "fewer draws"
    assert rows[2, 0]["status"] == "calibrated"
    assert rows[2, 1]["status"] == "scored"
    assert ask_rows(zoo.registry, "SELECT fresh_count, calibrated_count FROM coverage") == [
        {"fresh_count": 3, "calibrated_count": 1}
    ]


def test_interval_lift_and_excess_follow_their_formulas(zoo: TinyZoo) -> None:
    row = planted_null(zoo)[1, 0]
    score = max(planted_counts(1, 0).values()) / (ITEMS * K)
    assert row["score"] == score
    assert row["ci_low"] == pytest.approx(score - 1.959964 * 0.02, abs=1e-8)
    assert row["ci_high"] == pytest.approx(score + 1.959964 * 0.02, abs=1e-8)
    assert row["lift"] == pytest.approx(score / 0.25)
    assert row["excess"] == pytest.approx((score - 0.25) / 0.75)
    assert (row["p"], row["draws"], row["tau"], row["calibrated"]) == (0.05, 19, 0.5, 0.125)


def test_what_has_no_standard_error_no_null_or_no_room_above_chance_is_null_and_never_zero(
    zoo: TinyZoo,
) -> None:
    rows = planted_null(zoo)
    assert [rows[2, 0][name] for name in ("score_se", "ci_low", "ci_high", "excess")] == [None] * 4
    unknown = ("null_mean", "null_sd", "lift", "excess", "p", "tau", "calibrated", "draws", "ci_low")
    assert [rows[2, 1][name] for name in unknown] == [None] * len(unknown)


def test_both_sides_of_a_pair_show_the_same_statistics(zoo: TinyZoo) -> None:
    planted_null(zoo)
    names = "score, score_se, ci_low, ci_high, null_mean, lift, excess, p, tau, calibrated, draws, status"
    question = f"SELECT {names} FROM {{}} WHERE draws = 19"
    (once,) = ask_rows(zoo.registry, question.format("alignment"))
    assert ask_rows(zoo.registry, question.format("alignment_both")) == [once, once]
