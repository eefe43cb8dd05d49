"""Recipes: one text for one meaning."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compute.recipe import parse_recipe


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("cosine", "cosine"),
        (" centre , cosine", "centre,cosine"),
        ("centre,exclude:b,exclude:a,cosine", "exclude:a,exclude:b,centre,cosine"),
        ("exclude:a,exclude:a,cosine", "exclude:a,cosine"),
        ("centre,centre,cosine", "centre,cosine"),
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


def test_exclusions_stand_apart_from_what_changes_the_layer() -> None:
    recipe = parse_recipe("exclude:shared-word,centre,cosine")
    assert (recipe.exclusions, recipe.steps, recipe.similarity) == (("shared-word",), ("centre",), "cosine")


@pytest.mark.parametrize(
    "text", ["centre", "whiten,cosine", "", "exclude:,cosine", "exclude,cosine", "exclude:a", "cosine,centre"]
)
def test_unknown_recipes_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="recipe"):
        parse_recipe(text)
