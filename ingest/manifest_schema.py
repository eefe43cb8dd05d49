"""The keys of a manifest and what each of them holds; anything else is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from registry.errors import InputError
from registry.lookup import nearest

WORDS = {dict: "a table", list: "a list", str: "a text", int: "a whole number"}


@dataclass(frozen=True)
class Schema:
    """The keys of one table of a manifest: those that must be there, those that may, and their words."""

    needed: Mapping[str, type]
    allowed: Mapping[str, type]
    choices: Mapping[str, tuple[str, ...]]


_MODALITY = ("vision", "language")
_SOURCE = ("paper text", "released code", "own choice")
MANIFEST = Schema(
    {"title": str},
    {
        "notes": list, "dataset": dict, "extraction": dict, "target": dict, "corpus": dict, "families": list,
        "unnamed": list,
    },
    {},
)  # fmt: skip
DATASET = Schema({"name": str, "item_count": int, "order": str}, {"reference": str, "caption_index": int}, {})
EXTRACTION = Schema(
    {"pooling": str, "layer_rule": str},
    {
        "dtype": str, "input_size": str, "crop": str, "interpolation": str, "normalisation": str,
        "prompt": str, "caption_index": int, "tokenizer_revision": str, "special_tokens": str,
        "padding_side": str, "maximum_tokens": str, "note": str,
    },
    {},
)  # fmt: skip
TARGET = Schema(
    {"metric": str, "k": int, "recipe": str, "reducer": str, "pairs": str},
    {"note": str},
    {"reducer": ("max", "last"), "pairs": ("all", "across")},
)
CORPUS = Schema({"name": str, "reference": str, "token_count": int, "byte_count": int}, {"note": str}, {})
FAMILY = Schema(
    {
        "name": str, "modality": str, "objective": str, "training_data": str, "source": str,
        "checkpoints": dict,
    },
    {"notes": str},
    {"modality": _MODALITY, "source": _SOURCE},
)  # fmt: skip
CHECKPOINT = Schema({"reference": str}, {"like": str, "seed": int}, {})
UNNAMED = Schema(
    {"name": str, "count": int, "modality": str, "objective": str, "training_data": str, "source": str},
    {"notes": str},
    {"modality": _MODALITY, "source": _SOURCE},
)


def checked(where: str, table: Any, schema: Schema) -> Mapping[str, Any]:
    """Return a table that has all keys that it needs and no other, each with its kind of value.

    Raises:
        InputError: it has not.
    """
    if not isinstance(table, Mapping):
        raise InputError(f"{where}: expected a table, found {table!r:.60}", hint="write key = value")
    known = {**schema.needed, **schema.allowed}
    for key, value in table.items():
        if key not in known:
            raise InputError(
                f"{where}: unknown key '{key}'",
                hint=nearest(key, list(known)) or f"known keys: {', '.join(known)}",
            )
        _require_kind(f"{where}: '{key}'", value, known[key])
        if key in schema.choices and value not in schema.choices[key]:
            raise InputError(f"{where}: '{key}' is '{value}'", hint=f"use {' | '.join(schema.choices[key])}")
    for key in schema.needed:
        if key not in table:
            raise InputError(f"{where}: the key '{key}' is missing", hint=f"add {key} = …")
    return table


def _require_kind(where: str, value: Any, kind: type) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise InputError(f"{where} must be {WORDS[kind]}, found {value!r:.60}", hint="correct the manifest")
    if isinstance(value, int) and value < 0:
        raise InputError(f"{where} is {value}, expected 0 or more", hint="correct the manifest")
    if isinstance(value, str) and not value.strip():
        raise InputError(f"{where} is empty", hint="leave the key out, or say something")
