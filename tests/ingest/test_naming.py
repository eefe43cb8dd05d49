"""A name is at one checkpoint at a time, follows its place, and forgets nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from ingest.checkpoints import add_checkpoint, retire_checkpoints
from ingest.naming import name_checkpoint
from registry.errors import ConflictError, NotFoundError, UsageError
from registry.handle import Registry
from registry.lookup import current_name, find_checkpoint
from registry.tables import Checkpoint, Name
from tests.ingest.conftest import CacheModel, make_timm_file


def history(registry: Registry) -> list[tuple[str, int, bool]]:
    """Return every name, whose it was, and whether it still is."""
    with registry.read() as session:
        rows = session.execute(
            select(Name.name, Name.checkpoint_id, Name.ended_at.is_(None)).order_by(Name.id)
        )
        return [(row[0], row[1], bool(row[2])) for row in rows]


@pytest.fixture
def pair(registry: Registry) -> tuple[int, int]:
    """Two baselines, called raw and coarse."""
    first = add_checkpoint(registry, "baseline:pixels", name="raw").checkpoint_id
    return first, add_checkpoint(registry, "baseline:pixels:16", name="coarse").checkpoint_id


def test_a_new_name_ends_the_old_one(registry: Registry, pair: tuple[int, int]) -> None:
    named = name_checkpoint(registry, pair[0], "best")
    assert (named.name, named.before, named.taken_from, named.outcome) == ("best", "raw", None, "changed")
    assert history(registry) == [("raw", pair[0], False), ("coarse", pair[1], True), ("best", pair[0], True)]
    assert name_checkpoint(registry, pair[0], "best").outcome == "unchanged"
    assert name_checkpoint(registry, pair[0], "raw").outcome == "changed"


def test_a_name_of_another_is_refused_unless_it_is_moved(registry: Registry, pair: tuple[int, int]) -> None:
    with pytest.raises(
        ConflictError, match="'coarse' belongs to another checkpoint: baseline:pixels:16"
    ) as caught:
        name_checkpoint(registry, pair[0], "coarse")
    assert "name coarse --move" in caught.value.hint
    named = name_checkpoint(registry, pair[0], "coarse", move=True)
    with registry.read() as session:
        key = session.get_one(Checkpoint, pair[1]).content_key[:12]
        assert named.taken_from == key
        assert find_checkpoint(session, "coarse").id == pair[0]
        assert current_name(session, pair[1]) == key
    assert history(registry)[:2] == [("raw", pair[0], False), ("coarse", pair[1], False)]


def test_a_retired_checkpoint_gives_its_name_away(registry: Registry, pair: tuple[int, int]) -> None:
    retire_checkpoints(registry, [pair[1]], "old")
    assert name_checkpoint(registry, pair[0], "coarse").outcome == "changed"


def test_what_cannot_be_a_name_or_moved_is_refused(registry: Registry, pair: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match="'a@b' cannot be a name"):
        name_checkpoint(registry, pair[0], "a@b")
    with pytest.raises(NotFoundError, match="no checkpoint is called 'coars'") as caught:
        name_checkpoint(registry, pair[0], "coars", move=True)
    assert "coarse" in caught.value.hint
    assert len(history(registry)) == 2


def test_a_branch_that_moves_back_takes_the_name_back(
    registry: Registry, cache_model: CacheModel, hub_cache: Path, neox_folder: Path
) -> None:
    files = {"config.json": neox_folder / "config.json"}
    cache_model("org/neox", files, commit="1" * 40)
    first = add_checkpoint(registry, "hf:org/neox@main", name="mine")
    cache_model("org/neox", files, commit="2" * 40)
    second = add_checkpoint(registry, "hf:org/neox")
    assert (second.outcome, second.name) == ("changed", "mine")
    (hub_cache / "models--org--neox" / "refs" / "main").write_text("1" * 40, encoding="ascii")
    third = add_checkpoint(registry, "hf:org/neox@main")
    assert (third.checkpoint_id, third.outcome, third.name) == (first.checkpoint_id, "changed", "mine")
    assert third.detail.startswith("mine moved here from 222222222222…")
    assert add_checkpoint(registry, "hf:org/neox@main").outcome == "unchanged"
    ids = first.checkpoint_id, second.checkpoint_id
    assert history(registry) == [("mine", ids[0], False), ("mine", ids[1], False), ("mine", ids[0], True)]


def test_the_same_words_in_two_folders_are_two_places(
    sqlite_registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        make_timm_file(tmp_path / folder / "net.safetensors", "test_vit", seed=seed)
    monkeypatch.chdir(tmp_path / "a")
    assert add_checkpoint(sqlite_registry, "path:net.safetensors").name == "net"
    monkeypatch.chdir(tmp_path / "b")
    with pytest.raises(ConflictError, match="the name 'net' belongs to another checkpoint"):
        add_checkpoint(sqlite_registry, "path:net.safetensors")
