"""Data sets that derive from another."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ingest.variants import variant_of
from registry.errors import InputError, UsageError
from registry.items import Items
from tests.ingest.conftest import make_items

PARENT = Items(["a", "b", "c"], texts=[["x"], ["y"], ["z"]])


def relation(items: Items, asked: str | None = None, parent: Items = PARENT) -> tuple[str, str]:
    found = variant_of(items, parent, name="new", parent_name="old", relation=asked)
    return found.relation, found.detail


def test_other_captions_of_the_same_items() -> None:
    items = replace(PARENT, texts=[["longer x"], ["longer y"], ["longer z"]])
    expected = ("captions", "captions of old: the same items, in its order")
    assert relation(items) == relation(items, "captions") == expected
    turned = Items(["c", "b", "a"], texts=[["1"], ["2"], ["3"]])
    assert relation(turned)[1].endswith("in another order")


def test_a_gallery_has_the_parent_at_the_beginning_or_scattered() -> None:
    front = Items(["a", "b", "c", "d"], texts=[["x"], ["y"], ["z"], ["w"]])
    assert relation(front) == ("gallery", "gallery of old: has the 3 items of old at the beginning")
    mixed = Items(["d", "a", "b", "e", "c"], texts=[["w"], ["x"], ["y"], ["v"], ["z"]])
    assert relation(mixed, "gallery")[1].endswith("scattered, in one order")


def test_a_subset_is_a_part_in_the_same_order() -> None:
    expected = ("subset", "subset of old: 2 items of old scattered, in one order")
    assert relation(Items(["a", "c"], texts=[["x"], ["z"]])) == expected


@pytest.mark.parametrize(
    ("ids", "asked", "sentence"),
    [
        (["a", "b", "d"], None, r"item 'c' of old is not in new \(1 such items\)"),
        (["a", "b"], "captions", "item 'c' of old is not in new"),
        (["a", "b", "c", "d"], "captions", "item 'd' of new is not in old"),
        (["a", "b", "d", "e"], None, "item 'c' of old is not in new"),
        (["a", "d"], None, "item 'd' of new is not in old"),
        (["b", "a", "c", "d"], None, "item 'b' of old comes before 'a' in new: another order"),
        (["c", "a"], None, "item 'a' of new comes before 'c' in old: another order"),
        (["a", "b", "c"], "gallery", "the same 3 items: that is no gallery"),
    ],
)
def test_ids_that_do_not_fit_are_named(ids: list[str], asked: str | None, sentence: str) -> None:
    words = dict(zip(PARENT.ids, PARENT.texts or [], strict=True))
    with pytest.raises(InputError, match=sentence):
        relation(Items(ids, texts=[words.get(item_id, ["new"]) for item_id in ids]), asked)


def test_one_id_means_one_picture_and_one_text() -> None:
    parent = make_items(4)
    assert parent.images is not None
    assert parent.texts is not None
    swapped = replace(parent, images=[parent.images[1], *parent.images[1:]], texts=[["new"]] * 4)
    with pytest.raises(InputError, match="item 'item0' has another picture in new than in old"):
        relation(swapped, parent=parent)
    part = Items(parent.ids[:2], texts=[parent.texts[0], ["other"]])
    with pytest.raises(InputError, match="item 'item1' has another text in new than in old"):
        relation(part, parent=parent)


def test_captions_need_texts() -> None:
    with pytest.raises(InputError, match="data set new has no texts"):
        relation(Items(["a", "b", "c"], images=[b"1", b"2", b"3"]))


def test_a_relation_is_one_of_three() -> None:
    with pytest.raises(UsageError, match="no relation 'child' to a parent"):
        relation(PARENT, "child")
