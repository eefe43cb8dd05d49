"""The items of a data set, in their order: a Parquet sidecar in the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from registry.errors import EmbeddingMismatch, NotFoundError, UsageError
from registry.keys import order_fingerprint
from registry.lookup import nearest
from registry.store import Store, StoredFile
from registry.tables import Dataset

ITEM_ID, TEXTS, GROUP_ID = "item_id", "texts", "group_id"
_EXTRA = "extra."  # the columns of covariates begin with it


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
    columns: dict[str, Any] = {ITEM_ID: pa.array(items.ids, pa.string())}
    if items.images is not None:
        columns["image"] = pa.array(items.images, pa.large_binary())
    if items.texts is not None:
        columns[TEXTS] = pa.array(items.texts, pa.list_(pa.string()))
    if items.group_ids is not None:
        columns[GROUP_ID] = pa.array(items.group_ids, pa.string())
    for name, values in items.extra.items():
        columns[f"{_EXTRA}{name}"] = pa.array(values, pa.string())
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
    ids: list[str] = columns[ITEM_ID]
    _require_its_items(ids, dataset)
    extra = {name.removeprefix(_EXTRA): column for name, column in columns.items() if name.startswith(_EXTRA)}
    return Items(ids, columns.get("image"), columns.get(TEXTS), columns.get(GROUP_ID), extra)


def read_columns(store: Store, dataset: Dataset, names: Sequence[str]) -> dict[str, list[Any]]:
    """Return some columns of a data set's sidecar, item by item, without loading its pictures.

    Args:
        store: where the sidecar lies.
        dataset: whose.
        names: `ITEM_ID`, `TEXTS`, `GROUP_ID`; a covariate has its own function.

    Raises:
        StoreError: the sidecar is missing or damaged.
        EmbeddingMismatch: its ids are not those of the row, in their order.
        NotFoundError: it has no column of that name.
    """
    path = store.checked_path(dataset.uri, dataset.sha256)
    known = pq.read_schema(path).names
    for name in names:
        if name not in known:
            raise NotFoundError(
                f"data set {dataset.name} has no column '{name}'",
                hint=f"'cavewall dataset show {dataset.name}' shows what its items have",
            )
    return _columns(path, dataset, names)


def covariate_names(store: Store, dataset: Dataset) -> list[str]:
    """Return the covariates of a data set, in the order in which they came."""
    return _covariates(store.checked_path(dataset.uri, dataset.sha256))


def class_counts(store: Store, dataset: Dataset) -> dict[str, int]:
    """Return how many values each covariate has, and first `GROUP_ID`, where the items have groups.

    Raises:
        StoreError: the sidecar is missing or damaged.
    """
    path = store.checked_path(dataset.uri, dataset.sha256)
    names = [name for name in pq.read_schema(path).names if name == GROUP_ID or name.startswith(_EXTRA)]
    table = pq.read_table(path, columns=names)
    return {name.removeprefix(_EXTRA): len(table.column(name).unique()) for name in names}


def covariate(store: Store, dataset: Dataset, name: str) -> list[str]:
    """Return the value of a covariate for every item, in their order.

    Raises:
        NotFoundError: the data set has no such covariate.
        StoreError: the sidecar is missing or damaged.
    """
    path = store.checked_path(dataset.uri, dataset.sha256)
    known = _covariates(path)
    if name not in known:
        listed = f"it has {', '.join(known)}" if known else "its table of texts had no further columns"
        raise NotFoundError(
            f"data set {dataset.name} has no covariate '{name}'", hint=nearest(name, known) or listed
        )
    column = f"{_EXTRA}{name}"
    return _columns(path, dataset, [column])[column]


def group_ids(store: Store, dataset: Dataset) -> list[str]:
    """Return the group of every item, in their order.

    Raises:
        UsageError: the items of the data set have no groups.
        StoreError: the sidecar is missing or damaged.
    """
    if dataset.pairing != "grouped":
        raise UsageError(
            f"the items of data set {dataset.name} have no groups",
            hint="register it with a column 'group_id' in its table of texts, or with --groups COLUMN",
        )
    return read_columns(store, dataset, [GROUP_ID])[GROUP_ID]


def _covariates(path: Path) -> list[str]:
    return [name.removeprefix(_EXTRA) for name in pq.read_schema(path).names if name.startswith(_EXTRA)]


def _columns(path: Path, dataset: Dataset, names: Sequence[str]) -> dict[str, list[Any]]:
    table = pq.read_table(path, columns=sorted({ITEM_ID, *names}))
    _require_its_items(table.column(ITEM_ID).to_pylist(), dataset)
    return {name: table.column(name).to_pylist() for name in names}


def _require_its_items(ids: list[str], dataset: Dataset) -> None:
    if len(ids) != dataset.item_count or order_fingerprint(ids) != dataset.order_fingerprint:
        raise EmbeddingMismatch(
            f"data set {dataset.name}: its sidecar has other items than its row "
            f"({len(ids)} of {dataset.item_count})",
            hint="restore the store from a copy, or register the data set again",
        )
