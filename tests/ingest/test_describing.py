"""Users say more about a checkpoint; what makes it the one it is cannot be said."""

from __future__ import annotations

from typing import Any

import pytest

from ingest.checkpoints import add_checkpoint
from ingest.describing import FIXED, SETTABLE, describe_checkpoints, is_assignment, parse_attribute
from registry.errors import NotFoundError, RegistryError, UsageError
from registry.handle import Registry
from registry.tables import Checkpoint, Family


def row(registry: Registry, checkpoint_id: int) -> Checkpoint:
    with registry.read() as session:
        return session.get_one(Checkpoint, checkpoint_id)


@pytest.fixture
def pixels(registry: Registry) -> int:
    return add_checkpoint(registry, "baseline:pixels", attributes={"lr": 1}).checkpoint_id


def test_fields_and_attributes_are_set_once(registry: Registry, pixels: int) -> None:
    parent = add_checkpoint(registry, "baseline:tf-idf").checkpoint_id
    said = [
        "visibility=public", "licence=MIT", "objective=none", "training_data=no data", "family=raw",
        "parent=tf-idf", "tokens_seen=12", "lr=3e-4", "who=me", "nested={\"a\": [1]}",
    ]  # fmt: skip
    assert describe_checkpoints(registry, [pixels], said) == 1
    found = row(registry, pixels)
    assert (found.visibility, found.licence, found.objective, found.training_data) == (
        "public", "MIT", "none", "no data",
    )  # fmt: skip
    assert (found.parent_id, found.tokens_seen) == (parent, 12)
    assert found.attributes == {"lr": 3e-4, "who": "me", "nested": {"a": [1]}}
    with registry.read() as session:
        assert session.get_one(Family, found.family_id).name == "raw"
    assert describe_checkpoints(registry, [pixels], said) == 0


def test_an_empty_value_clears(registry: Registry, pixels: int) -> None:
    describe_checkpoints(registry, [pixels], ["licence=MIT", "family=raw", "who=me"])
    assert describe_checkpoints(registry, [pixels], ["licence=", "family=", "who=", "lr="]) == 1
    found = row(registry, pixels)
    assert (found.licence, found.family_id, found.attributes) == (None, None, {})


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ([], "nothing to set"),
        (["step=3"], "'step' cannot be set: it belongs to the identity"),
        (["parameter_count=3"], "'parameter_count' cannot be set: it is read from the weights"),
        (["name=x"], "use: cavewall checkpoint name"),
        (["tags=x"], "use: cavewall checkpoint tag"),
        (["visibility=secret"], "no visibility 'secret'"),
        (["visibility="], "no visibility ''"),
        (["family=a/b"], "'a/b' cannot be a name of a family"),
        (["tokens_seen=many"], "'many' is no number of tokens"),
        (["tokens_seen=99999999999999999999"], "is no number of tokens"),
        (["license=MIT"], "no field 'license'"),
        (["a b=1"], "is no attribute"),
        (["x=" + "y" * 10_001], "has 10,001 characters"),
        (['x="\\u0000"'], "holds a NUL character"),
        (["parent=pixels"], "cannot be its own parent"),
        (["licence=MIT", "parent=nobody"], "no checkpoint 'nobody'"),
    ],
)
def test_what_cannot_be_said_is_refused_and_nothing_is_kept(
    sqlite_registry: Registry, said: list[str], sentence: str
) -> None:
    pixels = add_checkpoint(sqlite_registry, "baseline:pixels", attributes={"lr": 1}).checkpoint_id
    with pytest.raises((UsageError, NotFoundError), match=sentence):
        describe_checkpoints(sqlite_registry, [pixels], said)
    found = row(sqlite_registry, pixels)
    assert (found.attributes, found.licence, found.visibility) == ({"lr": 1}, None, "private")


def test_every_column_is_a_field_or_is_fixed() -> None:
    columns = {column.key for column in Checkpoint.__table__.columns}
    assert columns <= {*SETTABLE, *FIXED}


@pytest.mark.parametrize(
    ("given", "value"),
    [("3e-4", 3e-4), ("true", True), ("[1, 2]", [1, 2]), ("a=b", "a=b"), ("NaN", "NaN"), ("1e999", "1e999")],
)
def test_a_value_that_is_json_is_that_else_it_is_text(given: str, value: Any) -> None:
    assert parse_attribute(f"key={given}") == ("key", value)


def test_a_reference_is_no_assignment() -> None:
    assert is_assignment("lr=3e-4")
    for text in ("r8@step=3", "path:x=y", "@sql:select a=b", "dino", "=x", "a/b=c"):
        assert not is_assignment(text)
    with pytest.raises(RegistryError, match="'lr' is no attribute"):
        parse_attribute("lr")
