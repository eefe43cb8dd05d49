"""Named analyses: every file of the folder runs, on a planted registry and on an empty one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from analysis.answers import ask
from analysis.queries import load, names
from analysis.snapshot import build_snapshot
from analysis.views import meanings
from registry.errors import NotFoundError
from registry.handle import Registry
from tests.analysis.report import planted_answers as report
from tests.analysis.tiny import ITEMS, LAYERS, K, TinyZoo, planted_counts
from tests.analysis.trends.planted import BATTERY, plant_scores

PAIRS = ((1, 0), (2, 0), (2, 1))  # slots: row, column

PARAMETERS: dict[str, dict[str, Any]] = {
    "batteries": {},
    "checkpoints_of_target": {"target_id": 1},
    "discoveries": {
        "target_id": 1,
        "checkpoint_id": None,
        "left_modality": "vision",
        "right_modality": "language",
    },
    "pairs_of_target": {"target_id": 1},
    "pairs_with_last_layers": {"target_id": 1},
    "scores_of_battery": {"battery": BATTERY},
    "tasks_of_battery": {"battery": BATTERY},
    **report.PARAMETERS,
}


def best(row: int, column: int) -> tuple[float, int, int]:
    """Return the planted score of a pair of slots, its row layer and its column layer."""
    counts = planted_counts(row, column)
    layers = max(counts, key=lambda pair: counts[pair])
    return (counts[layers] / (ITEMS * K), *layers)


def planted_pairs_of_target() -> list[tuple[Any, ...]]:
    return [
        (1, "a", 2, "x", best(1, 0)[0]),
        (1, "a", 3, "b", best(2, 0)[0]),
        (2, "x", 3, "b", best(2, 1)[0]),
    ]


def planted_discoveries() -> list[tuple[Any, ...]]:
    """Return the one pair whose null is done, a family of its own, and the one that waits for its null."""
    return [
        (1, "a", 2, "x", best(1, 0)[0], 0.4, 0.05, 19, 500, 0.05, 0.05, 1, None),
        (3, "b", 2, "x", best(2, 1)[0], None, None, None, 500, None, None, 1, "no null yet"),
    ]


def planted_batteries() -> list[tuple[Any, ...]]:
    return [(BATTERY, 2, 2)]


def planted_tasks_of_battery() -> list[tuple[Any, ...]]:
    return [(1, "one", 0.1), (2, "two", 0.1)]


def planted_scores_of_battery() -> list[tuple[Any, ...]]:
    """Return the two results of b, the only one with any."""
    return [
        (3, "b", "vision", 1, 0.5, 0.01, 0.1, None, None),
        (3, "b", "vision", 2, 0.75, 0.01, 0.1, None, None),
    ]


def planted_checkpoints_of_target() -> list[tuple[Any, ...]]:
    return [
        (1, "a", "vision", "a", "trained", True, None, None),
        (2, "x", "language", "x", "trained", True, None, None),
        (3, "b", "vision", "b", "trained", True, None, None),
    ]


def planted_pairs_with_last_layers() -> list[tuple[Any, ...]]:
    """Return the pairs by both reducers; the null of a and x alone is done, with a mean of 0.4."""
    excess = (best(1, 0)[0] - 0.4) / (1 - 0.4)
    last = {pair: planted_counts(*pair)[LAYERS - 1, LAYERS - 1] / (ITEMS * K) for pair in PAIRS}
    return [
        (1, 2, best(1, 0)[0], None, last[1, 0], excess, 0.4),
        (1, 3, best(2, 0)[0], None, last[2, 0], None, None),
        (2, 3, best(2, 1)[0], None, last[2, 1], None, None),
    ]


PLANTED = {
    "batteries": planted_batteries,
    "checkpoints_of_target": planted_checkpoints_of_target,
    "discoveries": planted_discoveries,
    "pairs_of_target": planted_pairs_of_target,
    "pairs_with_last_layers": planted_pairs_with_last_layers,
    "scores_of_battery": planted_scores_of_battery,
    "tasks_of_battery": planted_tasks_of_battery,
    **report.PLANTED,
}


@pytest.fixture
def zoo(sqlite_registry: Registry) -> Registry:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a")
    tiny.add("x", modality="language")
    tiny.add("b")
    tiny.calibrate({(1, 0): 0.05})
    plant_scores(sqlite_registry, {"b": {"one": 0.5, "two": 0.75}})
    build_snapshot(sqlite_registry)
    return sqlite_registry


def test_every_file_has_a_planted_answer() -> None:
    assert names() == sorted(PLANTED) == sorted(PARAMETERS)


@pytest.mark.parametrize("name", names())
def test_the_planted_answer_is_found(zoo: Registry, name: str) -> None:
    table = ask(zoo, load(name), PARAMETERS[name]).table
    assert [tuple(row.values()) for row in table.to_pylist()] == PLANTED[name]()


@pytest.mark.parametrize("name", names())
def test_an_empty_registry_gives_no_rows(sqlite_registry: Registry, name: str) -> None:
    build_snapshot(sqlite_registry)
    assert ask(sqlite_registry, load(name), PARAMETERS[name]).table.num_rows == 0


@pytest.mark.parametrize("name", names())
def test_the_opening_comment_says_the_question_the_parameters_and_the_columns(
    zoo: Registry, name: str
) -> None:
    text = load(name)
    comment = [line for line in text.splitlines() if line.startswith("--")]
    assert "?" in comment[0]
    assert set(re.findall(r"\$(\w+)", "\n".join(comment))) == set(PARAMETERS[name])
    assert list(meanings(text)) == ask(zoo, text, PARAMETERS[name]).table.column_names
    assert "ORDER BY" in text


def test_an_unknown_analysis_is_refused_with_the_nearest_one() -> None:
    with pytest.raises(NotFoundError) as caught:
        load("pairs_accross_in_full")
    assert "pairs_across_in_full" in caught.value.hint
    with pytest.raises(NotFoundError):
        load("../views/alignment")
