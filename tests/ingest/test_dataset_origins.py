"""Where a data set comes from: revision, parent, and what it shares with others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from ingest.datasets import Origin, add_dataset
from registry.details import dataset_details
from registry.errors import ConflictError, InputError, NotFoundError, UsageError
from registry.handle import Registry
from registry.items import Items
from registry.listings import list_datasets
from registry.lookup import find_dataset
from registry.tables import Dataset
from tests.ingest.conftest import make_items


def shorter(items: Items) -> Items:
    return replace(items, texts=[[texts[0].split()[0]] for texts in items.texts or []])


def part(items: Items, count: int) -> Items:
    return Items(items.ids[:count], (items.images or [])[:count], (items.texts or [])[:count])


def test_variants_name_their_parent_and_how_they_derive(registry: Registry) -> None:
    items = make_items(6)
    add_dataset(registry, "toy", items)
    added = add_dataset(registry, "short", shorter(items), origin=Origin(parent="toy"))
    assert added.detail == "6 items, vision+language; captions of toy: the same items, in its order"
    add_dataset(registry, "part", part(items, 3), origin=Origin(parent="toy", relation="subset"))
    assert add_dataset(registry, "short", shorter(items), origin=Origin(parent="toy")).outcome == "unchanged"
    with registry.read() as session:
        shown = dataset_details(session, find_dataset(session, "toy"))
        assert shown["variants"] == [
            {"name": "part", "relation": "subset", "items": 3},
            {"name": "short", "relation": "captions", "items": 6},
        ]
        short = dataset_details(session, find_dataset(session, "short"))
        assert (short["parent"], short["relation"]) == ("toy", "captions")
        assert short["set_fingerprint"] == shown["set_fingerprint"]
        lines = {line.name: line for line in list_datasets(session)}
    assert (lines["part"].parent, lines["toy"].parent) == ("toy", None)


def test_a_larger_gallery_is_shown_as_one(sqlite_registry: Registry) -> None:
    items = make_items(6)
    add_dataset(sqlite_registry, "toy", part(items, 4))
    add_dataset(sqlite_registry, "more", items, origin=Origin(parent="toy"))
    with sqlite_registry.read() as session:
        assert dataset_details(session, find_dataset(session, "more"))["relation"] == "gallery"


def test_ids_that_do_not_fit_leave_nothing_behind(sqlite_registry: Registry) -> None:
    items = make_items(6)
    add_dataset(sqlite_registry, "toy", part(items, 3))
    before = sorted(sqlite_registry.store.root.rglob("*"))
    with pytest.raises(InputError, match="item 'item0' of toy is not in other"):
        other = replace(items, ids=[f"x{item_id}" for item_id in items.ids])
        add_dataset(sqlite_registry, "other", other, origin=Origin(parent="toy"))
    with pytest.raises(NotFoundError, match="no data set 'toi'"):
        add_dataset(sqlite_registry, "other", items, origin=Origin(parent="toi"))
    with pytest.raises(UsageError, match="the relation 'subset' needs a parent"):
        add_dataset(sqlite_registry, "other", items, origin=Origin(relation="subset"))
    with pytest.raises(UsageError, match="toy cannot be its own parent"):
        add_dataset(sqlite_registry, "toy", part(items, 3), origin=Origin(parent="toy"))
    with sqlite_registry.read() as session:
        assert [row.name for row in session.scalars(select(Dataset))] == ["toy"]
    assert sorted(sqlite_registry.store.root.rglob("*")) == before


def test_a_parent_can_be_named_later_once(sqlite_registry: Registry) -> None:
    items = make_items(6)
    add_dataset(sqlite_registry, "toy", items)
    add_dataset(sqlite_registry, "short", shorter(items))
    linked = add_dataset(sqlite_registry, "short", shorter(items), origin=Origin(parent="toy"))
    assert linked.outcome == "linked"
    with pytest.raises(ConflictError, match="data set short derives from toy itself"):
        add_dataset(sqlite_registry, "toy", items, origin=Origin(parent="short"))
    longer = replace(items, texts=[["one", *texts] for texts in items.texts or []])
    add_dataset(sqlite_registry, "long", longer)
    with pytest.raises(ConflictError, match="data set short derives from toy, not from long"):
        add_dataset(sqlite_registry, "short", shorter(items), origin=Origin(parent="long"))


def test_the_commit_of_a_source_is_the_revision(sqlite_registry: Registry) -> None:
    add_dataset(sqlite_registry, "toy", make_items(3), origin=Origin(revision="c" * 40))
    with sqlite_registry.read() as session:
        assert find_dataset(session, "toy").revision == "c" * 40


def test_the_same_ids_in_another_order_are_said(sqlite_registry: Registry) -> None:
    items = make_items(4)
    add_dataset(sqlite_registry, "toy", items)
    turned = Items(items.ids[::-1], (items.images or [])[::-1], (items.texts or [])[::-1])
    added = add_dataset(sqlite_registry, "turned", turned)
    assert added.notes == ("the same ids are registered in another order: toy",)
    with sqlite_registry.read() as session:
        shown = dataset_details(session, find_dataset(session, "toy"))
    assert shown["same_ids_in_another_order"] == ["turned"]


def test_items_that_are_the_same_are_counted_and_kept(sqlite_registry: Registry) -> None:
    items = make_items(4)
    doubled = replace(items, images=[(items.images or [])[0]] * 4)
    added = add_dataset(sqlite_registry, "toy", doubled)
    (note,) = added.notes
    assert note == ("3 items have a picture that is byte for byte that of another: first 'item1', as 'item0'")


def test_half_a_character_is_refused(sqlite_registry: Registry) -> None:
    with pytest.raises(InputError, match="holds half of a character") as refusal:
        add_dataset(sqlite_registry, "toy", Items(["a", "b"], texts=[["x"], ["\ud800"]]))
    assert refusal.value.message.isprintable()
