"""Data sets: identity is content and order."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image
from sqlalchemy import select

from ingest.datasets import add_dataset
from registry.errors import ConflictError, InputError
from registry.handle import Registry
from registry.items import Items, read_items
from registry.keys import order_fingerprint
from registry.tables import Dataset
from tests.ingest.conftest import make_items


def row(registry: Registry, name: str) -> Dataset:
    with registry.read() as session:
        return session.scalars(select(Dataset).where(Dataset.name == name)).one()


def test_a_data_set_is_registered_with_its_order_and_its_items(registry: Registry, items: Items) -> None:
    added = add_dataset(registry, "toy", items, licence="CC0-1.0", credit="Nobody")
    assert added.outcome == "added"
    dataset = row(registry, "toy")
    assert (dataset.item_count, dataset.pairing) == (6, "one-to-one")
    assert dataset.modalities == ["vision", "language"]
    assert dataset.order_fingerprint == order_fingerprint(items.ids)
    assert (dataset.licence, dataset.credit) == ("CC0-1.0", "Nobody")
    assert dataset.content_key.startswith(dataset.revision)
    assert read_items(registry.store, dataset) == items


def test_the_same_content_again_changes_nothing(registry: Registry, items: Items) -> None:
    first = add_dataset(registry, "toy", items)
    second = add_dataset(registry, "toy", items)
    assert (second.outcome, second.dataset_id) == ("unchanged", first.dataset_id)


def test_the_same_pixels_in_other_files_are_the_same_content(sqlite_registry: Registry, items: Items) -> None:
    add_dataset(sqlite_registry, "toy", items)
    again = []
    for image in items.images or []:
        buffer = io.BytesIO()
        Image.open(io.BytesIO(image)).save(buffer, format="PNG", compress_level=0)
        again.append(buffer.getvalue())
    assert again != items.images
    assert add_dataset(sqlite_registry, "toy", replace(items, images=again)).outcome == "unchanged"


def test_a_name_never_means_other_content(sqlite_registry: Registry, items: Items) -> None:
    add_dataset(sqlite_registry, "toy", items)
    with pytest.raises(ConflictError, match="data set toy has other content: 6 items"):
        add_dataset(sqlite_registry, "toy", make_items(6, seed=6))


def test_the_same_content_under_another_name_is_refused(sqlite_registry: Registry, items: Items) -> None:
    add_dataset(sqlite_registry, "toy", items)
    with pytest.raises(ConflictError, match="are registered as toy"):
        add_dataset(sqlite_registry, "other", items)


def test_another_order_is_another_data_set_of_the_same_set(sqlite_registry: Registry, items: Items) -> None:
    turned = Items(items.ids[::-1], list(reversed(items.images or [])), list(reversed(items.texts or [])))
    add_dataset(sqlite_registry, "toy", items)
    assert add_dataset(sqlite_registry, "turned", turned).outcome == "added"
    one, other = row(sqlite_registry, "toy"), row(sqlite_registry, "turned")
    assert one.order_fingerprint != other.order_fingerprint
    assert one.set_fingerprint == other.set_fingerprint


def test_texts_alone_are_a_data_set_of_language(sqlite_registry: Registry) -> None:
    add_dataset(sqlite_registry, "words", Items(["a", "b"], texts=[["x"], ["y"]], group_ids=["g", "g"]))
    dataset = row(sqlite_registry, "words")
    assert (dataset.modalities, dataset.pairing) == (["language"], "grouped")


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        (Items(["a"], texts=[["x"]]), "has 1 items, expected at least 2"),
        (Items(["a", "a"], texts=[["x"], ["y"]]), "has the id 'a' twice"),
        (Items(["a", ""], texts=[["x"], ["y"]]), "has an item without an id"),
        (Items(["a", "b"], texts=[["x"]]), "has 1 texts for 2 ids"),
        (Items(["a", "b"]), "has neither pictures nor texts"),
        (Items(["a", "b"], texts=[["x"], [" "]]), "item 'b' has an empty text"),
        (Items(["a", "b"], texts=[["x"], []]), "item 'b' has an empty text"),
        (Items(["a", "b"], images=[b"x", b"y"]), "item 'a' is not a picture"),
    ],
)
def test_items_that_cannot_be_a_data_set_are_refused(
    sqlite_registry: Registry, items: Items, sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        add_dataset(sqlite_registry, "toy", items)
    with sqlite_registry.read() as session:
        assert session.scalars(select(Dataset)).all() == []
