"""The rules that flag bad rows: what they catch, and what they leave alone."""

from __future__ import annotations

import pytest

from ingest.score_files.plausibility import (
    fact_of_column,
    fault_of_facts,
    fault_of_size,
    fault_of_tokens,
    in_another_unit,
    sizes_in_name,
)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("org/tale_7b_v2", [7e9]),
        ("org/tale-560m", [5.6e8]),
        ("org/tale-1b5-pile", [1.5e9]),
        ("org/tale-2-1_6b", [1.6e9]),
        ("org/tale-6.9b-deduped", [6.9e9]),
        ("org/Tale-8x7B-v0.1", [7e9, 5.6e10]),
        ("org/Tale-57B-A14B", [5.7e10, 1.4e10]),
        ("org/tale-3b-8k", [3e9]),
        ("convnext.clip_laion2b_soup", []),
        ("Model-L-14_lr-1e-3_bs-86k.pt", []),
        ("tale-base", []),
    ],
)
def test_sizes_are_read_from_names(name: str, sizes: list[float]) -> None:
    assert sizes_in_name(name) == pytest.approx(sizes)


def test_a_count_that_contradicts_the_name_by_more_than_a_half_is_a_fault() -> None:
    assert fault_of_size("tale_7b", 13e9) == "listed with 13 B parameters, its name says 7 B"
    assert fault_of_size("tale_7b", 4e9) is not None
    assert fault_of_size("tale_7b", 7.3e9) is None
    assert fault_of_size("tale", 13e9) is None
    assert fault_of_size("tale-8x7b", 45e9) is None
    assert fault_of_size("tale-8x7b", 90e9) is not None


def test_tokens_have_a_bound() -> None:
    assert fault_of_tokens(627e12) == "listed with 627 T training tokens, at most 100 T are plausible"
    assert fault_of_tokens(0) is not None
    assert fault_of_tokens(15e12) is None


@pytest.mark.parametrize(
    ("column", "fact"),
    [
        ("Model Size (B)", ("size", 1e9)),
        ("param_count", ("size", 1e6)),
        ("#Params (M)", ("size", 1e6)),
        ("Pretraining Data Size (T)", ("tokens", 1e12)),
        ("FLOPs (1E21)", ("compute", 1e21)),
        ("MMLU", None),
        ("top1", None),
    ],
)
def test_facts_are_told_by_their_headers(column: str, fact: object) -> None:
    assert fact_of_column(column) == fact


def test_an_empty_fact_says_nothing_and_one_that_is_no_number_is_a_fault() -> None:
    cells = {"Model Size (B)": "7", "Pretraining Data Size (T)": "", "FLOPs (1E21)": "?"}
    assert fault_of_facts("tale-7b", cells) is None
    assert (
        fault_of_facts("tale-7b", {"Model Size (B)": "large"})
        == "column 'Model Size (B)': 'large' is not a number"
    )


@pytest.mark.parametrize(
    ("values", "strange"),
    [
        ([80.0, 0.81, 82.0], {0.81}),
        ([0.8, 81.0, 0.82], {81.0}),
        ([0.5, 50.0], {0.5, 50.0}),
        ([0.5, 1.5, 3.0, 60.0], set()),
        ([0.0, 50.0], set()),
        ([0.5, 0.6], set()),
        ([], set()),
    ],
)
def test_a_value_in_another_unit_is_told_by_the_gap_in_its_column(
    values: list[float], strange: set[float]
) -> None:
    assert in_another_unit(values) == strange
