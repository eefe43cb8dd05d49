"""Items that are the same under two ids. Pure: nothing is refused, it is counted and said."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

from registry.items import Items
from registry.keys import sha256_of_bytes


def duplicate_notes(items: Items) -> list[str]:
    """Return a sentence for pictures, and one for texts, that stand under several ids."""
    notes = []
    if items.images is not None:
        digests = [sha256_of_bytes(data) for data in items.images]
        notes += _note(items.ids, digests, "a picture that is byte for byte that of another")
    if items.texts is not None:
        notes += _note(items.ids, [tuple(texts) for texts in items.texts], "exactly the texts of another")
    return notes


def _note(ids: Sequence[str], values: Sequence[Hashable], what: str) -> list[str]:
    first: dict[Hashable, str] = {}
    pairs = []
    for item_id, value in zip(ids, values, strict=True):
        if first.setdefault(value, item_id) != item_id:
            pairs.append((first[value], item_id))
    if not pairs:
        return []
    some = "1 item has" if len(pairs) == 1 else f"{len(pairs):,} items have"
    return [f"{some} {what}: first '{pairs[0][1]}', as '{pairs[0][0]}'"]
