"""The items of a data set, in their order: a Parquet sidecar in the store."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from registry.errors import EmbeddingMismatch
from registry.keys import order_fingerprint
from registry.store import Store, StoredFile
from registry.tables import Dataset


@dataclass(frozen=True)
class Items:
    """Items in their order: ids, and for each item its picture, its texts, its group and its covariates.

    `images` are encoded pictures (PNG, JPEG …) as they came; `extra` holds one text per item and covariate.
    """

    ids: list[str]
    images: list[bytes] | None = None
    texts: list[list[str]] | None = None
    group_ids: list[str] | None = None
    extra: dict[str, list[str]] = field(default_factory=dict)


def write_items(store: Store, items: Items) -> StoredFile:
    """Write the sidecar of a data set and return the stored file."""
    columns: dict[str, Any] = {"item_id": pa.array(items.ids, pa.string())}
    if items.images is not None:
        columns["image"] = pa.array(items.images, pa.large_binary())
    if items.texts is not None:
        columns["texts"] = pa.array(items.texts, pa.list_(pa.string()))
    if items.group_ids is not None:
        columns["group_id"] = pa.array(items.group_ids, pa.string())
    for name, values in items.extra.items():
        columns[f"extra.{name}"] = pa.array(values, pa.string())
    table = pa.table(columns)

    def writer(path: Path) -> None:
        pq.write_table(table, path, compression="zstd")

    return store.write("datasets", ".parquet", writer)


def read_items(store: Store, dataset: Dataset) -> Items:
    """Return a data set's items, after the digest of the sidecar and the order of its ids were checked.

    Raises:
        StoreError: the sidecar is missing or damaged.
        EmbeddingMismatch: its ids are not those of the row, in their order.
    """
    table = pq.read_table(store.checked_path(dataset.uri, dataset.sha256))
    columns = {name: table.column(name).to_pylist() for name in table.column_names}
    ids: list[str] = columns["item_id"]
    if len(ids) != dataset.item_count or order_fingerprint(ids) != dataset.order_fingerprint:
        raise EmbeddingMismatch(
            f"data set {dataset.name}: its sidecar has other items than its row "
            f"({len(ids)} of {dataset.item_count})",
            hint="restore the store from a copy, or register the data set again",
        )
    extra = {
        name.removeprefix("extra."): column for name, column in columns.items() if name.startswith("extra.")
    }
    return Items(ids, columns.get("image"), columns.get("texts"), columns.get("group_id"), extra)
