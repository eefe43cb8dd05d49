"""Register data sets: fixed items in a fixed order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ingest.duplicate_items import duplicate_notes
from ingest.pictures import picture_digest
from ingest.plain_messages import plain_refusals
from ingest.references import check_name
from ingest.variants import Relation, variant_of
from registry.clock import now
from registry.errors import ConflictError, InputError, UsageError
from registry.handle import Registry
from registry.items import Items, read_items, write_items
from registry.keys import (
    canonical_json,
    content_key,
    order_fingerprint,
    set_fingerprint,
    sha256_of_bytes,
)
from registry.lookup import find_dataset
from registry.store import StoredFile
from registry.tables import Dataset


@dataclass(frozen=True)
class AddedDataset:
    """What registering a data set did; `notes` says what its items have that a reader wants to know."""

    dataset_id: int
    name: str
    outcome: Literal["added", "unchanged", "linked"]
    detail: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Origin:
    """Where a data set comes from.

    Attributes:
        revision: the commit of its source; where it is None, its own content is its revision.
        parent: the data set that it derives from.
        relation: how: `captions`, `gallery` or `subset`; what the ids say where it is None.
    """

    revision: str | None = None
    parent: str | None = None
    relation: str | None = None


@dataclass(frozen=True)
class _Link:
    parent_id: int
    parent: str
    relation: Relation
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
    _require_whole_characters(items, name)
    for item_id, texts in zip(items.ids, items.texts or [], strict=False):
        if not texts or not all(text.strip() for text in texts):
            raise InputError(
                f"data set {name}: item '{item_id}' has an empty text", hint="write one, or leave it out"
            )


def _require_whole_characters(items: Items, name: str) -> None:
    columns = [
        items.ids,
        items.group_ids or [],
        list(items.extra),
        *items.extra.values(),
        *(items.texts or []),
    ]
    for column in columns:
        for text in column:
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise InputError(
                    f"data set {name}: {text[:40]!r} holds half of a character (a lone surrogate)",
                    hint="repair the text",
                ) from error


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


@plain_refusals()
def add_dataset(
    registry: Registry,
    name: str,
    items: Items,
    *,
    licence: str | None = None,
    credit: str | None = None,
    origin: Origin | None = None,
) -> AddedDataset:
    """Register a data set and return which row it is; the same content again changes nothing.

    Args:
        registry: where.
        name: what to call it.
        items: in their order; every picture is decoded once, so that a broken one is found now.
        licence: of the items.
        credit: whom to name when they are shown.
        origin: where it comes from, where that is known.

    Raises:
        InputError: an item is broken, the items cannot be a data set, or do not fit those of the parent.
        ConflictError: the name has other content, the content another name, or the data set another parent.
        NotFoundError: there is no such parent.
    """
    origin = origin or Origin()
    check_name(name)
    check_items(items, name)
    link = _link(registry, name, items, origin)
    order = order_fingerprint(items.ids)
    key = content_key("dataset", {"order": order, "content": content_of(items)})
    notes = (*duplicate_notes(items), *_other_orders(registry, items, order))
    with registry.read() as session:
        found = _find(session, name, key)
    if found is not None:
        return replace(_linked(registry, found, link), notes=notes)
    row = _row(name, items, key, order, write_items(registry.store, items))
    row.revision = origin.revision or row.revision
    row.licence, row.credit = licence, credit
    row.parent_id = None if link is None else link.parent_id
    try:
        with registry.write() as session:
            found = _find(session, name, key)
            if found is None:
                session.add(row)
                session.flush()
                detail = f"{row.item_count} items, {'+'.join(row.modalities)}"
                detail += "" if link is None else f"; {link.detail}"
                return AddedDataset(row.id, name, "added", detail, notes)
    except IntegrityError:
        with registry.read() as session:
            found = _find(session, name, key)
        if found is None:
            raise
    return replace(_linked(registry, found, link), notes=notes)


def _link(registry: Registry, name: str, items: Items, origin: Origin) -> _Link | None:
    if origin.parent is None:
        if origin.relation is not None:
            raise UsageError(
                f"the relation '{origin.relation}' needs a parent",
                hint="name the other data set: --parent NAME",
            )
        return None
    if origin.parent == name:
        raise UsageError(f"data set {name} cannot be its own parent", hint="name another data set")
    with registry.read() as session:
        parent = find_dataset(session, origin.parent)
        parent_items = read_items(registry.store, parent)
    variant = variant_of(items, parent_items, name=name, parent_name=parent.name, relation=origin.relation)
    return _Link(parent.id, parent.name, variant.relation, variant.detail)


def _linked(registry: Registry, found: AddedDataset, link: _Link | None) -> AddedDataset:
    """Return a data set that was there, after it was given the parent that it had not."""
    if link is None:
        return found
    with registry.write() as session:
        row = session.get_one(Dataset, found.dataset_id)
        if row.parent_id == link.parent_id:
            return found
        if row.parent_id is not None:
            other = session.get_one(Dataset, row.parent_id).name
            raise ConflictError(
                f"data set {row.name} derives from {other}, not from {link.parent}",
                hint="a data set has one parent, for good",
            )
        above: Dataset | None = session.get_one(Dataset, link.parent_id)
        while above is not None:
            if above.id == row.id:
                raise ConflictError(
                    f"data set {link.parent} derives from {row.name} itself", hint="leave --parent out"
                )
            above = session.get(Dataset, above.parent_id) if above.parent_id is not None else None
        row.parent_id = link.parent_id
    return replace(found, outcome="linked", detail=link.detail)


def _other_orders(registry: Registry, items: Items, order: str) -> list[str]:
    same = Dataset.set_fingerprint == set_fingerprint(items.ids)
    with registry.read() as session:
        names = session.scalars(
            select(Dataset.name).where(same, Dataset.order_fingerprint != order).order_by(Dataset.name)
        ).all()
    return [f"the same ids are registered in another order: {', '.join(names)}"] if names else []


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


def _row(name: str, items: Items, key: str, order: str, stored: StoredFile) -> Dataset:
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
        created_at=now(),
    )
