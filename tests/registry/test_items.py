"""Columns of a data set's sidecar: groups and covariates, without its pictures."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from registry.clock import now
from registry.errors import EmbeddingMismatch, NotFoundError, StoreError, UsageError
from registry.handle import Registry
from registry.items import (
    GROUP_ID,
    ITEM_ID,
    TEXTS,
    Items,
    class_counts,
    covariate,
    covariate_names,
    group_ids,
    read_columns,
    write_items,
)
from registry.keys import order_fingerprint
from registry.tables import Dataset

GROUPED = Items(
    ["b", "a", "c"],
    images=[b"1", b"2", b"3"],
    texts=[["x", "y"], ["z"], ["w"]],
    group_ids=["g", "h", "g"],
    extra={"kind": ["p", "q", ""], "size": ["1", "1", "1"]},
)


def dataset_of(registry: Registry, items: Items) -> Dataset:
    stored = write_items(registry.store, items)
    return Dataset(
        content_key="3" * 64,
        name="d",
        revision="1",
        item_count=len(items.ids),
        modalities=["vision"],
        pairing="one-to-one" if items.group_ids is None else "grouped",
        order_fingerprint=order_fingerprint(items.ids),
        set_fingerprint="4" * 64,
        uri=stored.uri,
        sha256=stored.sha256,
        created_at=now(),
    )


def test_groups_and_covariates_come_item_by_item(sqlite_registry: Registry) -> None:
    dataset, store = dataset_of(sqlite_registry, GROUPED), sqlite_registry.store
    assert group_ids(store, dataset) == ["g", "h", "g"]
    assert covariate(store, dataset, "kind") == ["p", "q", ""]
    assert covariate_names(store, dataset) == ["kind", "size"]
    assert read_columns(store, dataset, [ITEM_ID, TEXTS]) == {ITEM_ID: GROUPED.ids, TEXTS: GROUPED.texts}
    assert class_counts(store, dataset) == {GROUP_ID: 2, "kind": 3, "size": 1}


def test_pictures_are_not_read(sqlite_registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = dataset_of(sqlite_registry, GROUPED)
    asked: list[str] = []
    read_table = pq.read_table

    def remember(path: object, columns: list[str]) -> object:
        asked.extend(columns)
        return read_table(path, columns=columns)

    monkeypatch.setattr(pq, "read_table", remember)
    covariate(sqlite_registry.store, dataset, "kind")
    group_ids(sqlite_registry.store, dataset)
    class_counts(sqlite_registry.store, dataset)
    assert set(asked) == {ITEM_ID, GROUP_ID, "extra.kind", "extra.size"}


def test_an_unknown_covariate_gets_the_nearest(sqlite_registry: Registry) -> None:
    dataset = dataset_of(sqlite_registry, GROUPED)
    with pytest.raises(NotFoundError, match="data set d has no covariate 'kinds'") as caught:
        covariate(sqlite_registry.store, dataset, "kinds")
    assert caught.value.hint == "did you mean kind ?"
    with pytest.raises(NotFoundError) as caught:
        covariate(sqlite_registry.store, dataset, "colour")
    assert caught.value.hint == "it has kind, size"
    with pytest.raises(NotFoundError, match="has no column 'image2'"):
        read_columns(sqlite_registry.store, dataset, ["image2"])


def test_a_data_set_without_groups_says_so(sqlite_registry: Registry) -> None:
    dataset = dataset_of(sqlite_registry, Items(["a", "b"], texts=[["x"], ["y"]]))
    with pytest.raises(UsageError, match="the items of data set d have no groups"):
        group_ids(sqlite_registry.store, dataset)
    assert class_counts(sqlite_registry.store, dataset) == {}


def test_columns_of_other_or_damaged_items_are_refused(sqlite_registry: Registry) -> None:
    dataset = dataset_of(sqlite_registry, GROUPED)
    dataset.order_fingerprint = "0" * 64
    with pytest.raises(EmbeddingMismatch, match="has other items than its row"):
        covariate(sqlite_registry.store, dataset, "kind")
    sqlite_registry.store.path(dataset.uri).write_bytes(b"no table")
    with pytest.raises(StoreError, match="was changed or damaged"):
        class_counts(sqlite_registry.store, dataset)
