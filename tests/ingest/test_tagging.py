"""Tags are put on and taken off, and twice is once."""

from __future__ import annotations

import pytest

from ingest.checkpoints import add_checkpoint
from ingest.tagging import tag_checkpoints
from registry.errors import UsageError
from registry.handle import Registry
from registry.listings import list_checkpoints, tags_of


def test_tags_come_with_the_checkpoint_and_stay_when_it_is_met_again(registry: Registry) -> None:
    first = add_checkpoint(registry, "baseline:pixels", tags=["paper", "vision"])
    again = add_checkpoint(registry, "baseline:pixels", tags=["paper", "later"])
    assert (again.outcome, again.detail) == ("changed", "tagged later")
    assert add_checkpoint(registry, "baseline:pixels", tags=["paper"]).outcome == "unchanged"
    with registry.read() as session:
        assert tags_of(session) == {first.checkpoint_id: ["later", "paper", "vision"]}


def test_tags_are_added_and_removed_and_counted(registry: Registry) -> None:
    ids = [add_checkpoint(registry, f"baseline:pixels:{size}").checkpoint_id for size in (8, 16)]
    assert tag_checkpoints(registry, [*ids, ids[0]], add=["a", "b"]) == 2
    assert tag_checkpoints(registry, ids, add=["a"]) == 0
    assert tag_checkpoints(registry, ids[:1], remove=["a", "never"]) == 1
    with registry.read() as session:
        assert [line.tags for line in list_checkpoints(session)] == [["b"], ["a", "b"]]
        assert [line.name for line in list_checkpoints(session, tags=["a", "b"])] == ["pixels-16"]
        assert tags_of(session, ids[:1]) == {ids[0]: ["b"]}


@pytest.mark.parametrize(
    ("add", "remove", "sentence"),
    [
        ([], [], "no tag to add or to remove"),
        (["a"], ["a"], "'a' is both added and removed"),
        (["a b"], [], "'a b' cannot be a tag"),
        (["tag:x"], [], "'tag:x' cannot be a tag"),
    ],
)
def test_tags_that_mean_nothing_are_refused(
    sqlite_registry: Registry, add: list[str], remove: list[str], sentence: str
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, "baseline:pixels").checkpoint_id
    with pytest.raises(UsageError, match=sentence):
        tag_checkpoints(sqlite_registry, [checkpoint_id], add=add, remove=remove)
    with sqlite_registry.read() as session:
        assert tags_of(session) == {}
