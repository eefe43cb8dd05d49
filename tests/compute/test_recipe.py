"""Recipes: one text for one meaning."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compute.recipe import parse_recipe, prepared_rows
from compute.steps import applied, unit_rows


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("cosine", "cosine"),
        (" centre , cosine", "centre,cosine"),
        ("centre,exclude:b,exclude:a,cosine", "exclude:a,exclude:b,centre,cosine"),
        ("exclude:a,exclude:a,cosine", "exclude:a,cosine"),
        ("centre,centre,cosine", "centre,cosine"),
        ("cosine", "cosine"),
        ("exclude:words,centre,cosine", "exclude:words,centre,cosine"),
        ("clip95,centre,concat:l2,exclude:a,inner", "exclude:a,concat:l2,clip95,centre,inner"),
        ("concat:raw,concat:raw,euclidean", "concat:raw,euclidean"),
        ("l2,l2,centre,inner", "l2,centre,inner"),
        ("l2,centre,l2,euclidean", "l2,centre,l2,euclidean"),
        ("clip95-all,clip95-all,inner", "clip95-all,inner"),
        ("clip95,clip95,inner", "clip95,clip95,inner"),
        ("clip99-layer,clip99-layer,inner", "clip99-layer,clip99-layer,inner"),
        ("centre,whiten:8,centre,inner", "whiten:8,inner"),
        ("whiten:8,centre,whiten:8,inner", "whiten:8,inner"),
        ("centre,l2,cosine", "centre,cosine"),
        ("centre,l2,inner", "centre,l2,inner"),
    ],
)
def test_a_recipe_has_one_text(typed: str, stored: str) -> None:
    assert parse_recipe(typed).text == stored


@given(st.lists(st.sampled_from(["centre", "exclude:a", "exclude:b", "exclude:a-b.c"])), st.randoms())
def test_neither_order_nor_repetition_of_steps_changes_a_recipe(steps: list[str], random: object) -> None:
    recipe = parse_recipe(",".join([*steps, "cosine"]))
    random.shuffle(steps)  # type: ignore[attr-defined]
    assert parse_recipe(",".join([*steps, *steps, "cosine"])) == recipe
    assert parse_recipe(recipe.text) == recipe


WORDS = ["centre", "l2", "clip95", "clip90-all", "clip99-layer", "whiten:3", "exclude:a", "concat:raw"]


@given(st.lists(st.sampled_from(WORDS), max_size=8), st.sampled_from(["cosine", "inner", "euclidean"]))
def test_the_text_of_a_recipe_is_the_recipe(words: list[str], similarity: str) -> None:
    recipe = parse_recipe(",".join([*words, similarity]))
    assert parse_recipe(recipe.text) == recipe
    assert parse_recipe(recipe.text).text == recipe.text


@given(st.lists(st.sampled_from(WORDS[:6]), max_size=6), st.sampled_from(["cosine", "inner"]))
@settings(max_examples=60, deadline=None)
def test_steps_that_fall_away_change_no_row(words: list[str], similarity: str) -> None:
    """Rounding apart: 1e-9 of entries near 1, where whitening divides by a variance of 1e-2 at least.

    What is white has no principal axes: whitened once more its axes are any, and a clip sees them.
    """
    whitenings = [position for position, word in enumerate(words) if word == "whiten:3"]
    clips = [position for position, word in enumerate(words) if word.startswith("clip")]
    assume(len(whitenings) < 2 or not clips or max(clips) < whitenings[1])
    rows = torch.from_numpy(np.random.default_rng(7).normal(size=(12, 5)) + 0.5)
    found = prepared_rows(rows, parse_recipe(",".join([*words, similarity])))
    expected = rows
    for word in words:
        expected = applied(expected, [word])
    expected = unit_rows(expected) if similarity == "cosine" else expected
    assert torch.allclose((found @ found.T), expected @ expected.T, atol=1e-9)


def test_the_recipe_is_read_without_torch() -> None:
    code = "import sys; from compute.recipe import parse_recipe; parse_recipe('clip95,whiten:4,inner')"
    subprocess.run([sys.executable, "-c", f"{code}; assert 'torch' not in sys.modules"], check=True)


def test_exclusions_stand_apart_from_what_changes_the_layer() -> None:
    recipe = parse_recipe("exclude:shared-word,centre,cosine")
    assert (recipe.exclusions, recipe.steps, recipe.similarity) == (("shared-word",), ("centre",), "cosine")


@pytest.mark.parametrize(
    "text",
    [
        "centre",
        "whiten,cosine",
        "",
        "exclude:,cosine",
        "exclude,cosine",
        "exclude:a",
        "cosine,centre",
        "whiten:0,cosine",
        "whiten:04,cosine",
        "whiten:R,cosine",
        "clip,cosine",
        "clip0,cosine",
        "clip100,cosine",
        "clip95-row,cosine",
        "concat,cosine",
        "concat:both,cosine",
        "concat:raw,concat:l2,cosine",
        "whiten:4,whiten:3,cosine",
        "manhattan",
    ],
)
def test_unknown_recipes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="recipe"):
        parse_recipe(text)
