"""Recording embeddings: one ready row at a time, whatever the order of events."""

from __future__ import annotations

import resource
from collections.abc import Callable
from threading import Barrier, Thread

import numpy as np
import pytest
from sqlalchemy import select

from ingest.checkpoints import add_checkpoint
from ingest.datasets import add_dataset
from ingest.extraction import default_rule
from ingest.recording import Embedded, Origin, record_embedding
from registry.clock import now
from registry.errors import ConflictError, EmbeddingMismatch, InputError, NotFoundError, StoreError
from registry.handle import Registry
from registry.items import Items
from registry.layers import read_layers
from registry.tables import Embedding, Extraction, Metric, Slot, Target
from tests.ingest.conftest import make_items

LAYERS = {"b": np.arange(12.0, dtype=np.float32).reshape(6, 2), "a": np.ones((6, 3), dtype=np.float32)}
OTHER = {"b": LAYERS["b"] + 1, "a": LAYERS["a"]}

Record = Callable[..., Embedded]


def recorder(registry: Registry) -> Record:
    """A function that records layers of the checkpoint `pixels` on the data set `toy`."""
    checkpoint_id = add_checkpoint(registry, "baseline:pixels").checkpoint_id
    dataset_id = add_dataset(registry, "toy", make_items(6)).dataset_id
    return lambda layers, **options: record_embedding(registry, checkpoint_id, dataset_id, layers, **options)


@pytest.fixture
def record(registry: Registry) -> Record:
    return recorder(registry)


@pytest.fixture
def record_on_sqlite(sqlite_registry: Registry) -> Record:
    return recorder(sqlite_registry)


def statuses(registry: Registry) -> list[str]:
    with registry.read() as session:
        return list(session.scalars(select(Embedding.status).order_by(Embedding.id)))


def give_slot(registry: Registry, embedding_id: int) -> None:
    with registry.write() as session:
        dataset_id = session.get_one(Embedding, embedding_id).dataset_id
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
        session.add(Slot(target_id=target.id, slot=0, embedding_id=embedding_id, done_through=0))


def test_an_embedding_is_a_file_and_a_row_that_describes_it(
    registry: Registry, record: Record, items: Items
) -> None:
    result = record(LAYERS, ids=items.ids, origin=Origin({"size": 3}, {"numpy": "2"}, "cpu", 16))
    assert (result.outcome, result.layer_count) == ("added", 2)
    with registry.read() as session:
        row = session.get_one(Embedding, result.embedding_id)
        extraction = session.get_one(Extraction, row.extraction_id)
    assert (row.layer_names, row.widths, row.dtype, row.status) == (["b", "a"], [2, 3], "float32", "ready")
    assert (row.resolved, row.libraries, row.device, row.batch_size) == (
        {"size": 3},
        {"numpy": "2"},
        "cpu",
        16,
    )
    assert extraction.content_key == default_rule("vision").content_key
    stored = read_layers(registry.store, row.uri, row.sha256, row.layer_names)
    assert all(np.array_equal(one, other) for one, other in zip(stored, LAYERS.values(), strict=True))


def test_the_same_content_again_changes_nothing(registry: Registry, record: Record) -> None:
    first, second = record(LAYERS), record(LAYERS)
    assert (second.outcome, second.embedding_id) == ("unchanged", first.embedding_id)
    assert statuses(registry) == ["ready"]


def test_other_content_is_refused_unless_it_is_to_replace(registry: Registry, record: Record) -> None:
    first = record(LAYERS)
    give_slot(registry, first.embedding_id)
    with pytest.raises(ConflictError, match="embedding of pixels on toy: other content is ready") as caught:
        record(OTHER)
    assert "--replace" in caught.value.hint
    assert statuses(registry) == ["ready"]
    assert record(OTHER, replace=True).outcome == "replaced"
    assert statuses(registry) == ["superseded", "ready"]
    with registry.read() as session:
        slot = session.scalars(select(Slot)).one()
    assert (slot.is_live, slot.dead_reason) == (False, "embedding superseded")


def test_content_that_returns_is_ready_again(registry: Registry, record: Record) -> None:
    first = record(LAYERS)
    record(OTHER, replace=True)
    back = record(LAYERS, replace=True)
    assert (back.outcome, back.embedding_id) == ("restored", first.embedding_id)
    assert statuses(registry) == ["ready", "superseded"]


@pytest.mark.parametrize("status", ["missing", "corrupt"])
def test_content_whose_file_was_lost_is_stored_again(
    sqlite_registry: Registry, record_on_sqlite: Record, status: str
) -> None:
    first = record_on_sqlite(LAYERS)
    with sqlite_registry.write() as session:
        row = session.get_one(Embedding, first.embedding_id)
        row.status = status
    sqlite_registry.store.path(row.uri).unlink()
    assert record_on_sqlite(LAYERS).outcome == "restored"
    read_layers(sqlite_registry.store, row.uri, row.sha256, row.layer_names)


def test_of_two_that_race_the_first_that_is_ready_wins(registry: Registry, record: Record) -> None:
    barrier = Barrier(2)
    results: list[Embedded] = []

    def run(layers: dict[str, np.ndarray]) -> None:
        barrier.wait()
        results.append(record(layers, first_wins=True))

    threads = [Thread(target=run, args=(layers,)) for layers in (LAYERS, OTHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result.outcome for result in results) == ["added", "lost"]
    assert len({result.embedding_id for result in results}) == 1
    assert statuses(registry) == ["ready"]


def test_the_same_layers_in_another_order_are_another_embedding(record_on_sqlite: Record) -> None:
    record_on_sqlite(LAYERS)
    with pytest.raises(ConflictError):
        record_on_sqlite(dict(reversed(LAYERS.items())))


def test_rows_of_other_items_never_become_an_embedding(
    sqlite_registry: Registry, record_on_sqlite: Record, items: Items
) -> None:
    with pytest.raises(EmbeddingMismatch, match="embedding of pixels on toy, layer b: expected 6 rows"):
        record_on_sqlite({"b": LAYERS["b"][:5]})
    with pytest.raises(EmbeddingMismatch, match="the rows are in another order than toy: row 0 is 'item5'"):
        record_on_sqlite(LAYERS, ids=items.ids[::-1])
    with pytest.raises(InputError, match="layer b: NaN in row 0"):
        record_on_sqlite({"b": LAYERS["b"] * np.nan})
    with pytest.raises(
        EmbeddingMismatch, match="the extraction is for language, the checkpoint reads vision"
    ):
        record_on_sqlite(LAYERS, rule=default_rule("language"))
    assert statuses(sqlite_registry) == []
    assert not list(sqlite_registry.store.root.rglob("*.safetensors"))


def test_a_full_disk_leaves_no_embedding_and_no_half_file(
    sqlite_registry: Registry, record_on_sqlite: Record
) -> None:
    large = {"a": np.zeros((6, 200_000), dtype=np.float32)}
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, limits[1]))
    try:
        with pytest.raises(StoreError, match="could not take a file"):
            record_on_sqlite(large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert statuses(sqlite_registry) == []
    assert not [path for path in (sqlite_registry.store.root / "embeddings").rglob("*") if path.is_file()]
    assert record_on_sqlite(large).outcome == "added"


def test_a_data_set_without_pictures_has_no_embedding_of_pictures(sqlite_registry: Registry) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, "baseline:pixels").checkpoint_id
    words = add_dataset(sqlite_registry, "words", Items(["a", "b"], texts=[["x"], ["y"]]))
    with pytest.raises(EmbeddingMismatch, match="reads vision, the data set holds language"):
        record_embedding(sqlite_registry, checkpoint_id, words.dataset_id, LAYERS)
    with pytest.raises(NotFoundError, match="no checkpoint has the id 99"):
        record_embedding(sqlite_registry, 99, words.dataset_id, LAYERS)
    with pytest.raises(NotFoundError, match="no data set has the id 99"):
        record_embedding(sqlite_registry, checkpoint_id, 99, LAYERS)
