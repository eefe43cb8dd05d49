"""Register data sets: fixed items in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.pictures import picture_digest
from ingest.references import check_name
from registry.clock import now
from registry.errors import ConflictError, InputError
from registry.handle import Registry
from registry.items import Items, write_items
from registry.keys import (
    canonical_json,
    content_key,
    order_fingerprint,
    set_fingerprint,
    sha256_of_bytes,
)
from registry.store import StoredFile
from registry.tables import Dataset


@dataclass(frozen=True)
class AddedDataset:
    """What registering a data set did."""

    dataset_id: int
    name: str
    outcome: Literal["added", "unchanged"]
    detail: str


def check_items(items: Items, name: str) -> None:
    """Refuse items that cannot be a data set.

    Raises:
        InputError: there are fewer than two, an id is empty or not unique, a column has another length, or a
            text is missing.
    """
    count = len(items.ids)
    if count < 2:
        raise InputError(f"data set {name} has {count} items, expected at least 2", hint="add more items")
    seen: set[str] = set()
    for item_id in items.ids:
        if not item_id or item_id in seen:
            what = f"the id '{item_id}' twice" if item_id else "an item without an id"
            raise InputError(f"data set {name} has {what}", hint="give every item an id of its own")
        seen.add(item_id)
    columns = {"pictures": items.images, "texts": items.texts, "group ids": items.group_ids, **items.extra}
    for what, column in columns.items():
        if column is not None and len(column) != count:
            raise InputError(
                f"data set {name} has {len(column)} {what} for {count} ids",
                hint="give one for each item, in order",
            )
    if items.images is None and items.texts is None:
        raise InputError(
            f"data set {name} has neither pictures nor texts", hint="give a folder or a table of texts"
        )
    for item_id, texts in zip(items.ids, items.texts or [], strict=False):
        if not texts or not all(text.strip() for text in texts):
            raise InputError(
                f"data set {name}: item '{item_id}' has an empty text", hint="write one, or leave it out"
            )


def content_of(items: Items) -> str:
    """Return the digest of what the items hold, item by item, whatever file holds them."""
    digests = []
    for position, item_id in enumerate(items.ids):
        digests.append(
            {
                "image": None if items.images is None else picture_digest(items.images[position], item_id),
                "texts": None if items.texts is None else items.texts[position],
                "group": None if items.group_ids is None else items.group_ids[position],
                "extra": {name: values[position] for name, values in items.extra.items()},
            }
        )
    return sha256_of_bytes(canonical_json(digests).encode())


def add_dataset(
    registry: Registry, name: str, items: Items, *, licence: str | None = None, credit: str | None = None
) -> AddedDataset:
    """Register a data set and return which row it is; the same content again changes nothing.

    Args:
        registry: where.
        name: what to call it.
        items: in their order; every picture is decoded once, so that a broken one is found now.
        licence: of the items.
        credit: whom to name when they are shown.

    Raises:
        InputError: an item is broken, or the items cannot be a data set.
        ConflictError: the name has other content, or the content another name.
    """
    check_name(name)
    check_items(items, name)
    order = order_fingerprint(items.ids)
    key = content_key("dataset", {"order": order, "content": content_of(items)})
    with registry.read() as session:
        found = _find(session, name, key)
    if found is not None:
        return found
    stored = write_items(registry.store, items)
    row = _row(name, items, key, order, stored, licence, credit)
    try:
        with registry.write() as session:
            found = _find(session, name, key)
            if found is not None:
                return found
            session.add(row)
            session.flush()
            return AddedDataset(row.id, name, "added", f"{row.item_count} items, {'+'.join(row.modalities)}")
    except IntegrityError:
        with registry.read() as session:
            found = _find(session, name, key)
        if found is None:
            raise
        return found


def _find(session: Session, name: str, key: str) -> AddedDataset | None:
    same = session.scalar(select(Dataset).where(Dataset.content_key == key))
    if same is not None and same.name == name:
        return AddedDataset(same.id, name, "unchanged", "same items, same order")
    if same is not None:
        raise ConflictError(
            f"the same items in the same order are registered as {same.name}",
            hint=f"use the data set {same.name}",
        )
    other = session.scalar(select(Dataset).where(Dataset.name == name))
    if other is not None:
        raise ConflictError(
            f"data set {name} has other content: {other.item_count} items, {other.revision}, not {key[:12]}",
            hint="a data set never changes: register the new content under another name",
        )
    return None


def _row(
    name: str,
    items: Items,
    key: str,
    order: str,
    stored: StoredFile,
    licence: str | None,
    credit: str | None,
) -> Dataset:
    modalities = []
    if items.images is not None:
        modalities.append("vision")
    if items.texts is not None:
        modalities.append("language")
    return Dataset(
        content_key=key,
        name=name,
        revision=key[:12],
        item_count=len(items.ids),
        modalities=modalities,
        pairing="one-to-one" if items.group_ids is None else "grouped",
        order_fingerprint=order,
        set_fingerprint=set_fingerprint(items.ids),
        uri=stored.uri,
        sha256=stored.sha256,
        licence=licence,
        credit=credit,
        created_at=now(),
    )
