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
from tests.analysis.tiny import ITEMS, K, TinyZoo, planted_counts

PARAMETERS: dict[str, dict[str, Any]] = {
    "modalities_across": {"target_id": 1, "left_modality": "vision", "right_modality": "language"},
    "pairs_of_target": {"target_id": 1},
}


def best(row: int, column: int) -> tuple[float, int, int]:
    """Return the planted score of a pair of slots, its row layer and its column layer."""
    counts = planted_counts(row, column)
    layers = max(counts, key=lambda pair: counts[pair])
    return (counts[layers] / (ITEMS * K), *layers)


def planted_modalities_across() -> list[tuple[Any, ...]]:
    """Return the two pictures a (slot 0) and b (slot 2) against the words x (slot 1), the best first."""
    later = best(1, 0)  # x is the row: its layer comes first
    earlier = best(2, 1)  # b is the row
    rows = [
        ("a", "x", later[0], later[2], later[1]),
        ("b", "x", earlier[0], earlier[1], earlier[2]),
    ]
    rows.sort(key=lambda row: (-row[2], row[0]))
    return [(*row, f"layer {row[3]}", f"layer {row[4]}", K / (ITEMS - 1)) for row in rows]


def planted_pairs_of_target() -> list[tuple[Any, ...]]:
    return [
        (1, "a", 2, "x", best(1, 0)[0]),
        (1, "a", 3, "b", best(2, 0)[0]),
        (2, "x", 3, "b", best(2, 1)[0]),
    ]


PLANTED = {
    "modalities_across": planted_modalities_across,
    "pairs_of_target": planted_pairs_of_target,
}


@pytest.fixture
def zoo(sqlite_registry: Registry) -> Registry:
    tiny = TinyZoo(sqlite_registry)
    tiny.add("a")
    tiny.add("x", modality="language")
    tiny.add("b")
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
        load("modality_across")
    assert "modalities_across" in caught.value.hint
    with pytest.raises(NotFoundError):
        load("../views/alignment")
