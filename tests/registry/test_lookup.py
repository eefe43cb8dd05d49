"""Whatever users call checkpoints finds them: names, globs, tags, steps, references and keys."""

from __future__ import annotations

import pytest

from registry.clock import now
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from registry.lookup import find_checkpoint, find_checkpoints
from registry.tables import Checkpoint, Name, Series, Tag


def add(registry: Registry, key: str, name: str | None, *tags: str, **fields: object) -> int:
    with registry.write() as session:
        row = Checkpoint(
            **{
                "content_key": key.ljust(64, "0"),
                "source": "hf",
                "reference": f"hf:org/{name}",
                "modality": "language",
                "architecture": "a",
                "registered_at": now(),
                **fields,
            }
        )
        session.add(row)
        session.flush()
        if name is not None:
            session.add(Name(name=name, checkpoint_id=row.id, started_at=now()))
        session.add_all(Tag(checkpoint_id=row.id, tag=tag) for tag in tags)
        return row.id


@pytest.fixture
def zoo(registry: Registry) -> Registry:
    """Ids 1 to 6: two plain ones with tags, the series r8 at 0, 50, 100, of which 100 was tried twice."""
    with registry.write() as session:
        session.add(Series(id=1, name="r8"))
        session.add(Series(id=2, name="empty"))
    add(registry, "aaaaaaaa1", "dino-s", "paper", "vision")
    add(registry, "aaaaaaaa2", "dino-b", "paper")
    add(registry, "b1", "r8-step100", series_id=1, step=100, retired_at=now(), retired_reason="diverged")
    add(registry, "b2", None, series_id=1, step=100, reference="hf:org/r8")
    add(registry, "b3", "r8-step0", series_id=1, step=0)
    add(registry, "b4", "r8-step50", series_id=1, step=50, reference="path:x{1}[2].pt")
    return registry


@pytest.mark.parametrize(
    ("patterns", "ids"),
    [
        (["dino-b"], [2]),
        (["dino-*"], [1, 2]),
        (["dino-{b,s}"], [2, 1]),
        (["tag:paper"], [1, 2]),
        (["tag:vis*", "tag:paper"], [1, 2]),
        (["r8@step=50"], [6]),
        (["r8@step={0..50:50}"], [5, 6]),
        (["r8@*"], [5, 6, 4]),
        (["hf:org/dino-s"], [1]),
        (["path:x{1}[2].pt"], [6]),
        (["aaaaaaaa2"], [2]),
        (["r8-step100", "dino-s", "r8-*"], [3, 1, 5, 6]),
        ([], []),
    ],
)
def test_every_kind_of_pattern_finds_its_checkpoints_once_and_in_order(
    zoo: Registry, patterns: list[str], ids: list[int]
) -> None:
    with zoo.read() as session:
        assert [row.id for row in find_checkpoints(session, patterns)] == ids


@pytest.mark.parametrize(
    ("pattern", "sentence", "hint"),
    [
        ("dino", "no checkpoint 'dino'", "names that begin so: dino-b, dino-s"),
        ("dinos-b", "no checkpoint 'dinos-b'", "did you mean dino-b"),
        ("aaaaaaaa", "'aaaaaaaa' is ambiguous: dino-s, dino-b", "use one of these names"),
        ("x*", r"no name matches 'x\*'", "checkpoint list"),
        ("tag:papers", "no checkpoint has the tag 'papers'", "did you mean paper ?"),
        ("emty@*", "no series 'emty'", "did you mean empty ?"),
        ("empty@*", "the series 'empty' has no checkpoint", "checkpoint add"),
        ("r8@step=7", "no checkpoint 'r8@step=7'", ""),
    ],
)
def test_what_matches_nothing_or_two_says_so_and_what_is_near(
    zoo: Registry, pattern: str, sentence: str, hint: str
) -> None:
    with zoo.read() as session, pytest.raises(NotFoundError, match=sentence) as caught:
        find_checkpoints(session, [pattern])
    assert hint in caught.value.hint


def test_sql_is_not_for_this_layer(zoo: Registry) -> None:
    with zoo.read() as session, pytest.raises(UsageError, match="cannot be chosen by SQL here"):
        find_checkpoints(session, ["@sql:select 1"])


def test_a_reference_that_moved_means_what_holds_its_name(sqlite_registry: Registry) -> None:
    add(sqlite_registry, "c1", None, reference="hf:org/neox@main")
    new = add(sqlite_registry, "c2", "neox", reference="hf:org/neox@main")
    with sqlite_registry.read() as session:
        assert find_checkpoint(session, "hf:org/neox@main").id == new
