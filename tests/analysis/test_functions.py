"""The query functions against scipy's adjustment of p values, and in every place that a question has."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, Literal

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from analysis.functions import FUNCTIONS, describe_functions, function_statements

METHODS: list[Literal["bh", "by"]] = ["bh", "by"]
each_method = pytest.mark.parametrize("method", METHODS)
connection = duckdb.connect()
for statement in function_statements():
    connection.execute(statement)


def threshold(method: str, p_values: Any, q: float) -> float | None:
    """Return what the macro gives."""
    (row,) = connection.execute(f"SELECT {method}_threshold($p, $q)", {"p": p_values, "q": q}).fetchall()
    value: float | None = row[0]
    return value


def expected(method: Literal["bh", "by"], p_values: Any, q: float) -> float | None:
    """Return the largest p whose adjusted value, as scipy has it, is at most q."""
    adjusted = np.round(false_discovery_control(p_values, method=method), 12)
    found = [p for p, level in zip(p_values, adjusted, strict=True) if level <= q]
    return max(found, default=None)


def tied(draws: int) -> st.SearchStrategy[list[float]]:
    """Give the p of permutations: few values, many ties, and the lowest of them often."""
    step = st.one_of(st.integers(1, 3), st.integers(1, draws + 1))
    return st.lists(step.map(lambda count: count / (draws + 1)), min_size=1, max_size=60)


@pytest.fixture
def family() -> Iterator[duckdb.DuckDBPyConnection]:
    connection.execute(
        "CREATE OR REPLACE TABLE family AS "
        "FROM (VALUES ('a', 0.01), ('a', 0.02), ('b', 0.5), ('b', NULL)) AS family (kind, p)"
    )
    yield connection
    connection.execute("DROP TABLE family")


@each_method
@settings(deadline=None, max_examples=150)
@given(p_values=st.integers(19, 200).flatmap(tied), q=st.sampled_from([0.01, 0.05, 0.1, 0.2, 0.5]))
def test_threshold_of_tied_values_is_that_of_scipy(
    method: Literal["bh", "by"], p_values: list[float], q: float
) -> None:
    assert threshold(method, p_values, q) == expected(method, p_values, q)


@each_method
@settings(deadline=None, max_examples=150)
@given(p_values=st.lists(st.floats(1e-9, 1), min_size=1, max_size=60), q=st.floats(0.001, 0.999))
def test_threshold_of_any_values_is_that_of_scipy(
    method: Literal["bh", "by"], p_values: list[float], q: float
) -> None:
    adjusted = false_discovery_control(p_values, method=method)
    if np.abs(adjusted - q).min() > 1e-11:  # nearer than that, rounding decides
        assert threshold(method, p_values, q) == expected(method, p_values, q)


@each_method
def test_threshold_of_a_large_family_of_real_and_null_effects_is_that_of_scipy(
    method: Literal["bh", "by"],
) -> None:
    generator = np.random.default_rng(3)
    p_values = np.concatenate([generator.beta(0.1, 5, 400), generator.random(4600)]).tolist()
    found = threshold(method, p_values, 0.05)
    assert found == expected(method, p_values, 0.05)
    assert found is not None
    assert 50 < sum(p <= found for p in p_values) < 450


def test_yekutieli_is_hochberg_at_a_level_divided_by_the_harmonic_number() -> None:
    generator = np.random.default_rng(4)
    p_values = (generator.random(200) ** 4).tolist()
    harmonic = float(sum(1 / np.arange(1, 201)))
    by_hand = threshold("bh", p_values, 0.1 / harmonic)
    assert threshold("by", p_values, 0.1) == by_hand
    assert by_hand is not None
    assert by_hand != threshold("bh", p_values, 0.1)


def edges(level: Fraction) -> Iterator[tuple[float, int, int]]:
    """Yield (p, place, m) of permutation p for which p m / place is the level exactly, as fractions."""
    for draws in range(19, 150):
        for m in range(1, 40):
            for place in range(1, m + 1):
                count = level * place * (draws + 1) / m
                if count.denominator == 1:
                    yield count.numerator / (draws + 1), place, m


def test_a_p_on_the_edge_is_a_discovery_whatever_its_float() -> None:
    """In floats p m / place is now and then one bit above the level that it is."""
    missed = [
        (p, place, m, q)
        for q in (Fraction(1, 100), Fraction(1, 20), Fraction(1, 10), Fraction(1, 5))
        for p, place, m in edges(q)
        if p * m / place > float(q)
    ]
    assert len(missed) > 10, "without edges that floats miss, this shows nothing"
    for p, place, m, q in missed:
        assert threshold("bh", [p] * place + [1.0] * (m - place), float(q)) == p


def test_values_that_are_not_there_do_not_count() -> None:
    assert threshold("bh", [0.04, None, None], 0.05) == 0.04
    assert threshold("bh", [0.04, 1.0, 1.0], 0.05) is None
    assert threshold("by", [None], 0.05) is None
    assert threshold("bh", [], 0.05) is None
    assert threshold("bh", None, 0.05) is None


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("SELECT p FROM family WHERE p <= bh_threshold((SELECT list(p) FROM family), 0.05)", [0.01, 0.02]),
        ("SELECT bh_threshold(list(p), 0.05) FROM family GROUP BY kind", [0.02, None]),
        ("SELECT bh_threshold(list(p) OVER (PARTITION BY kind), 0.05) FROM family", [0.02, 0.02, None, None]),
        ("SELECT p FROM family QUALIFY p <= bh_threshold(list(p) OVER (), 0.05)", [0.01, 0.02]),
        ("SELECT bh_threshold(list(p), (SELECT 0.05)) FROM family", [0.02]),
        ("SELECT bh_threshold([place, level], 0.05) FROM (SELECT 0.01 AS place, 0.02 AS level)", [0.02]),
    ],
)
def test_a_function_stands_wherever_a_question_needs_it(
    family: duckdb.DuckDBPyConnection, question: str, answer: list[float | None]
) -> None:
    found = [None if row[0] is None else float(row[0]) for row in family.execute(question).fetchall()]
    assert sorted(found, key=lambda p: 2.0 if p is None else p) == answer


def test_every_function_is_described() -> None:
    described = describe_functions()
    assert [function.name for function in described] == list(FUNCTIONS)
    for function in described:
        assert function.call == f"{function.name}(p_values, q)"
        assert function.type == "DOUBLE"
        assert function.meaning.endswith(".")
