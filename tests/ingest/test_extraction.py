"""Extraction rules."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest
from sqlalchemy import select

from ingest.extraction import Rule, check_rule, default_rule, ensure_extraction, prompted, rule_of
from registry.errors import UsageError
from registry.handle import Registry
from registry.tables import Extraction


@pytest.mark.parametrize("modality", ["vision", "language"])
def test_a_rule_is_one_row_that_holds_all_its_fields(registry: Registry, modality: str) -> None:
    rule = default_rule(modality)
    for _ in range(2):
        with registry.write() as session:
            assert rule_of(ensure_extraction(session, rule)) == rule
    with registry.read() as session:
        assert len(session.scalars(select(Extraction)).all()) == 1


def test_every_field_is_part_of_the_identity() -> None:
    rule = default_rule("language")
    for field in fields(Rule):
        value = 7 if field.name == "caption_index" else "something else"
        assert replace(rule, **{field.name: value}).content_key != rule.content_key, field.name


def test_every_column_of_the_table_is_a_field() -> None:
    columns = {column.name for column in Extraction.__table__.columns}
    assert columns == {field.name for field in fields(Rule)} | {"id", "content_key", "created_at"}


@pytest.mark.parametrize("modality", ["vision", "language"])
def test_the_default_rules_can_be_followed(modality: str) -> None:
    check_rule(default_rule(modality))


@pytest.mark.parametrize(
    ("modality", "change", "sentence"),
    [
        ("vision", {"pooling": "last"}, "pooling 'last' is not supported for vision"),
        ("vision", {"input_size": "512"}, "input_size '512' is not supported"),
        ("vision", {"dtype": "float64"}, "dtype 'float64' is not supported"),
        ("vision", {"prompt": "{caption}"}, "prompt has no meaning for vision"),
        ("language", {"crop": "none"}, "crop has no meaning for language"),
        ("language", {"quantisation": "int8"}, "quantisation is not supported"),
        ("language", {"prompt": "A picture of"}, "the prompt has no {caption}"),
        ("language", {"caption_index": None}, "caption_index is None"),
        ("language", {"maximum_tokens": "0"}, "maximum_tokens is '0'"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(
    modality: str, change: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        check_rule(replace(default_rule(modality), **change))


def test_an_unknown_modality_is_refused() -> None:
    with pytest.raises(UsageError, match="no modality 'sound'"):
        default_rule("sound")


def test_a_prompt_stands_around_the_text() -> None:
    rule = replace(default_rule("language"), prompt="An image of '{caption}'.")
    assert prompted(rule, "a {cat}") == "An image of 'a {cat}'."
    assert prompted(default_rule("language"), "a cat") == "a cat"
