"""What users say about checkpoints after they are registered: fields beside the identity, and attributes."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.references import check_name
from ingest.rows import get_or_add
from registry.errors import UsageError
from registry.handle import Registry
from registry.lookup import current_name, find_checkpoint
from registry.tables import Checkpoint, Family

TEXT_FIELDS = ("licence", "objective", "training_data")
SETTABLE = ("visibility", *TEXT_FIELDS, "family", "parent", "tokens_seen")
_IDENTITY = "it belongs to the identity of a checkpoint"
_FOUND = "it is read from the weights"
FIXED: Mapping[str, str] = {
    **dict.fromkeys(("source", "reference", "resolved", "revision", "step", "series", "seed"), _IDENTITY),
    **dict.fromkeys(("id", "checkpoint_id", "parent_id", "family_id", "series_id", "content_key"), _IDENTITY),
    **dict.fromkeys(("like", "location", "entry_point"), _IDENTITY),
    **dict.fromkeys(("modality", "architecture", "parameter_count", "parameters"), _FOUND),
    **dict.fromkeys(("registered_at", "retired_at", "retired_reason"), "it is history: retire, restore"),
    **dict.fromkeys(("name", "names"), "use: cavewall checkpoint name"),
    **dict.fromkeys(("tag", "tags"), "use: cavewall checkpoint tag"),
    **dict.fromkeys(("embeddings", "scores", "attributes"), "it is made of other rows"),
}  # fmt: skip
_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_.\-]*")
_LONGEST_VALUE = 10_000


def is_assignment(text: str) -> bool:
    """Return whether a text is `key=value` and not a reference that has an equals sign somewhere."""
    key, separator, _ = text.partition("=")
    return bool(separator) and _KEY.fullmatch(key) is not None


def parse_attribute(given: str) -> tuple[str, Any]:
    """Return the key and the value of `KEY=VALUE`; a value that reads as JSON is that, else it is text.

    Raises:
        UsageError: it has no key or no equals sign, or is too long.
    """
    key, separator, text = given.partition("=")
    if not separator or not _KEY.fullmatch(key):
        raise UsageError(f"'{given[:80]}' is no attribute", hint="write KEY=VALUE, for example lr=3e-4")
    if len(text) > _LONGEST_VALUE:
        raise UsageError(
            f"the value of '{key}' has {len(text):,} characters, at most {_LONGEST_VALUE:,} are kept",
            hint="keep long texts in a file, and its address here",
        )
    try:
        value = json.loads(text)
        written = json.dumps(value, allow_nan=False)  # NaN, and 1e999, are no JSON: they stay text
    except (ValueError, RecursionError):
        return key, text
    if "\\u0000" in written:
        raise UsageError(f"the value of '{key}' holds a NUL character", hint="leave it out")
    return key, value


def describe_checkpoints(
    registry: Registry, checkpoint_ids: Sequence[int], assignments: Sequence[str]
) -> int:
    """Set fields and attributes of checkpoints, and return how many checkpoints that changed.

    The keys of `SETTABLE` are fields; every other key is a free attribute. An empty value clears. What makes
    a checkpoint the one it is cannot be set.

    Raises:
        UsageError: a field cannot be set, or not to that.
        NotFoundError: the parent is not registered.
    """
    wanted = dict(_parse(given) for given in assignments)
    if not wanted:
        raise UsageError("there is nothing to set", hint="add KEY=VALUE, for example visibility=public")
    with registry.write() as session:
        columns = _columns(session, {key: value for key, value in wanted.items() if key in SETTABLE})
        free = {key: value for key, value in wanted.items() if key not in SETTABLE}
        rows = session.scalars(select(Checkpoint).where(Checkpoint.id.in_(set(checkpoint_ids)))).all()
        return sum(_apply(session, row, columns, free) for row in rows)


def _parse(given: str) -> tuple[str, Any]:
    key, value = parse_attribute(given)
    if key in FIXED:
        raise UsageError(f"'{key}' cannot be set: {FIXED[key]}", hint=f"can be set: {', '.join(SETTABLE)}")
    text = given.partition("=")[2].strip()
    if key in SETTABLE:
        return key, text or None
    if close := difflib.get_close_matches(key, SETTABLE, n=1, cutoff=0.85):
        raise UsageError(f"there is no field '{key}'", hint=f"did you mean {close[0]} ?")
    return key, value if text else None


def _columns(session: Session, wanted: Mapping[str, str | None]) -> dict[str, Any]:
    """Return the columns that some fields are, with their values."""
    readers: dict[str, Callable[[Session, str | None], tuple[str, Any]]] = {
        "visibility": _visibility,
        "family": _family,
        "parent": _parent,
        "tokens_seen": _tokens_seen,
    }
    return dict(
        readers[key](session, value) if key in readers else (key, value) for key, value in wanted.items()
    )


def _visibility(_session: Session, value: str | None) -> tuple[str, Any]:
    if value not in ("private", "public"):
        raise UsageError(f"there is no visibility '{value or ''}'", hint="it is private or public")
    return "visibility", value


def _family(session: Session, value: str | None) -> tuple[str, Any]:
    if value is None:
        return "family_id", None
    check_name(value, what="name of a family")
    return "family_id", get_or_add(session, Family, Family.name == value, lambda: Family(name=value)).id


def _parent(session: Session, value: str | None) -> tuple[str, Any]:
    return "parent_id", None if value is None else find_checkpoint(session, value).id


def _tokens_seen(_session: Session, value: str | None) -> tuple[str, Any]:
    if value is None:
        return "tokens_seen", None
    if not (value.isascii() and value.isdigit() and len(value) < 20 and int(value) < 2**63):
        raise UsageError(f"'{value[:40]}' is no number of tokens", hint="use a whole number from 0 on")
    return "tokens_seen", int(value)


def _apply(session: Session, row: Checkpoint, columns: Mapping[str, Any], free: Mapping[str, Any]) -> bool:
    if columns.get("parent_id") == row.id:
        name = current_name(session, row.id)
        raise UsageError(
            f"{name} cannot be its own parent", hint="name the checkpoint that it was trained from"
        )
    merged = {key: value for key, value in {**row.attributes, **free}.items() if value is not None}
    new = {**columns, "attributes": merged}
    changed = [key for key, value in new.items() if getattr(row, key) != value]
    for key in changed:
        setattr(row, key, new[key])
    return bool(changed)
