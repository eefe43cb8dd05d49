"""What stands under two ids is counted and said."""

from __future__ import annotations

from ingest.duplicate_items import duplicate_notes
from registry.items import Items


def test_equal_pictures_and_equal_texts_are_counted_with_the_first() -> None:
    items = Items(
        ["a", "b", "c", "d"],
        images=[b"1", b"2", b"1", b"1"],
        texts=[["x", "y"], ["x"], ["y", "x"], ["x", "y"]],
    )
    assert duplicate_notes(items) == [
        "2 items have a picture that is byte for byte that of another: first 'c', as 'a'",
        "1 item has exactly the texts of another: first 'd', as 'a'",
    ]


def test_items_that_differ_need_no_word() -> None:
    assert duplicate_notes(Items(["a", "b"], images=[b"1", b"2"], texts=[["x"], ["y"]])) == []
