"""Data sets that derive from another: other captions for its items, a larger gallery, a part of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from ingest.pictures import picture_digest
from registry.errors import InputError, UsageError
from registry.items import Items

Relation = Literal["captions", "gallery", "subset"]
RELATIONS: tuple[Relation, ...] = get_args(Relation)


@dataclass(frozen=True)
class Variant:
    """How a data set derives from its parent, in one word and in words."""

    relation: Relation
    detail: str


def variant_of(items: Items, parent: Items, *, name: str, parent_name: str, relation: str | None) -> Variant:
    """Return how items derive from those of a parent.

    Captions: the same items, with other texts. Gallery: all items of the parent in its order, and more.
    Subset: some items of the parent, in its order. What both have of an item must be the same, except that
    captions differ.

    Args:
        items: of the variant.
        parent: of the other data set.
        name: what the variant is called.
        parent_name: what the parent is called.
        relation: what it is to be; what the ids say where it is None.

    Raises:
        InputError: the ids do not fit: the first that is missing or out of order is named.
        UsageError: there is no such relation.
    """
    chosen = _chosen(items.ids, parent.ids, relation)
    if chosen == "captions":
        _require_ids(items.ids, parent.ids, name, parent_name)
        _require_ids(parent.ids, items.ids, parent_name, name)
        if items.texts is None:
            raise InputError(
                f"data set {name} has no texts, expected other captions for the items of {parent_name}",
                hint="give a column of texts",
            )
        order = "in its order" if items.ids == parent.ids else "in another order"
        detail = f"captions of {parent_name}: the same items, {order}"
    else:
        small, large = (parent, items) if chosen == "gallery" else (items, parent)
        small_name, large_name = (parent_name, name) if chosen == "gallery" else (name, parent_name)
        _require_ids(large.ids, small.ids, large_name, small_name)
        if len(large.ids) == len(small.ids):
            raise InputError(
                f"{name} and {parent_name} have the same {len(small.ids)} items: that is no {chosen}",
                hint="leave --relation out, or add it without a parent",
            )
        where = _require_order(large.ids, small.ids, large_name, small_name)
        has = f"has the {len(small.ids)} items of" if chosen == "gallery" else f"{len(small.ids)} items of"
        detail = f"{chosen} of {parent_name}: {has} {parent_name} {where}"
    _require_same_content(items, parent, name, parent_name, with_texts=chosen != "captions")
    return Variant(chosen, detail)


def _chosen(ids: Sequence[str], parent_ids: Sequence[str], relation: str | None) -> Relation:
    for known in RELATIONS:
        if relation == known:
            return known
    if relation is not None:
        raise UsageError(f"no relation '{relation}' to a parent", hint=f"known are {', '.join(RELATIONS)}")
    if len(ids) == len(parent_ids):
        return "captions"
    return "gallery" if len(ids) > len(parent_ids) else "subset"


def _require_ids(there: Sequence[str], needed: Sequence[str], name: str, of: str) -> None:
    known = set(there)
    missing = [item_id for item_id in needed if item_id not in known]
    if missing:
        raise InputError(
            f"item '{missing[0]}' of {of} is not in {name} ({len(missing)} such items)",
            hint="a captions variant has its parent's items, a gallery all of them and more, a subset some",
        )


def _require_order(large: Sequence[str], small: Sequence[str], name: str, of: str) -> str:
    """Return whether the smaller list stands at the beginning of the larger, or scattered in its order."""
    positions = {item_id: position for position, item_id in enumerate(large)}
    places = [positions[item_id] for item_id in small]
    for number, (before, after) in enumerate(pairwise(places), start=1):
        if after < before:
            raise InputError(
                f"item '{small[number]}' of {of} comes before '{small[number - 1]}' in {name}: another order",
                hint="put the items in one order, or add the data set without a parent",
            )
    return "at the beginning" if places == list(range(len(places))) else "scattered, in one order"


def _require_same_content(
    items: Items, parent: Items, name: str, parent_name: str, *, with_texts: bool
) -> None:
    positions = {item_id: position for position, item_id in enumerate(parent.ids)}
    for position, item_id in enumerate(items.ids):
        other = positions.get(item_id)
        if other is None:
            continue
        what = ""
        if items.images is not None and parent.images is not None:
            one, two = items.images[position], parent.images[other]
            if one != two and picture_digest(one, item_id) != picture_digest(two, item_id):
                what = "another picture"
        if with_texts and items.texts is not None and parent.texts is not None and not what:
            what = "another text" if items.texts[position] != parent.texts[other] else ""
        if what:
            raise InputError(
                f"item '{item_id}' has {what} in {name} than in {parent_name}",
                hint="one id means one item: add the data set without a parent, or with other ids",
            )
