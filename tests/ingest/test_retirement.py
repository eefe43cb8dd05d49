"""Retiring kills slots and deletes nothing; restoring needs no new extraction."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from ingest.checkpoints import add_checkpoint, restore_checkpoints, retire_checkpoints
from ingest.datasets import add_dataset
from ingest.recording import record_embedding
from registry.clock import now
from registry.errors import ConflictError, NotFoundError, UsageError
from registry.handle import Registry
from registry.items import Items
from registry.tables import Checkpoint, Embedding, Metric, Slot, Target
from tests.ingest.conftest import make_timm_file


@pytest.fixture
def embedded(registry: Registry, items: Items) -> int:
    """The id of a checkpoint with a ready embedding in a live slot."""
    checkpoint_id = add_checkpoint(registry, "baseline:pixels").checkpoint_id
    dataset_id = add_dataset(registry, "toy", items).dataset_id
    embedding = record_embedding(registry, checkpoint_id, dataset_id, {"a": np.eye(6, dtype=np.float32)})
    with registry.write() as session:
        metric = Metric(content_key="m" * 64, name="m", parameters={}, is_symmetric=True, code_version=1)
        session.add(metric)
        session.flush()
        target = Target(
            content_key="t" * 64,
            name="t",
            dataset_id=dataset_id,
            metric_id=metric.id,
            recipe="",
            reducer="max",
            pairs="all",
            created_at=now(),
        )
        session.add(target)
        session.flush()
        session.add(Slot(target_id=target.id, slot=0, embedding_id=embedding.embedding_id, done_through=0))
    return checkpoint_id


def test_retiring_kills_slots_and_keeps_the_embedding(registry: Registry, embedded: int) -> None:
    assert retire_checkpoints(registry, [embedded], "wrong run") == 1
    assert retire_checkpoints(registry, [embedded], "again") == 0
    with registry.read() as session:
        slot, embedding = session.scalars(select(Slot)).one(), session.scalars(select(Embedding)).one()
        checkpoint = session.get_one(Checkpoint, embedded)
    assert (slot.is_live, slot.dead_reason) == (False, "checkpoint retired: wrong run")
    assert embedding.status == "ready"
    assert (checkpoint.retired_reason, checkpoint.retired_at is not None) == ("wrong run", True)


def test_restoring_revives_the_checkpoint_and_not_the_slot(registry: Registry, embedded: int) -> None:
    retire_checkpoints(registry, [embedded], "wrong run")
    assert restore_checkpoints(registry, [embedded]) == 1
    assert restore_checkpoints(registry, [embedded]) == 0
    with registry.read() as session:
        assert session.get_one(Checkpoint, embedded).retired_at is None
        assert not session.scalars(select(Slot)).one().is_live


def test_registering_what_is_retired_says_how_to_restore_it(registry: Registry, embedded: int) -> None:
    retire_checkpoints(registry, [embedded], "wrong run")
    again = add_checkpoint(registry, "baseline:pixels")
    assert again.outcome == "unchanged"
    assert again.detail.endswith("retired (wrong run): cavewall checkpoint restore pixels")


def test_an_unknown_id_retires_nothing(registry: Registry, embedded: int) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint has the id 999"):
        retire_checkpoints(registry, [embedded, 999], "x")
    with registry.read() as session:
        assert session.get_one(Checkpoint, embedded).retired_at is None


def test_retiring_needs_a_reason(sqlite_registry: Registry) -> None:
    with pytest.raises(UsageError, match="needs a reason"):
        retire_checkpoints(sqlite_registry, [1], " ")


def test_a_taken_step_cannot_be_restored(sqlite_registry: Registry, tmp_path: Path) -> None:
    path = make_timm_file(tmp_path / "a.safetensors", "test_vit", seed=1)
    first = add_checkpoint(sqlite_registry, f"path:{path}", series="r", step=1)
    retire_checkpoints(sqlite_registry, [first.checkpoint_id], "wrong")
    make_timm_file(path, "test_vit", seed=2)
    second = add_checkpoint(sqlite_registry, f"path:{path}", series="r", step=1)
    assert second.name == first.name == "r-step1"
    with pytest.raises(ConflictError, match="series r has a checkpoint at step 1: r-step1"):
        restore_checkpoints(sqlite_registry, [first.checkpoint_id])
