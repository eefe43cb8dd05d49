"""The training step that a file or a revision carries in its name: read, never guessed."""

from __future__ import annotations

import re
from pathlib import PurePath

from ingest.references import HubReference, PathReference, Reference
from registry.errors import InputError

STEP_FORMS = "step_2000, step2000, checkpoint-2000 or 0002000.safetensors"
WEIGHT_SUFFIXES = frozenset({".safetensors", ".pt", ".pth", ".bin", ".ckpt"})
_GENERIC = frozenset({"model", "pytorch_model", "weights", "adapter_model"})
_LONGEST_STEP = 18

# A number that goes on (2000-of-2001, 2k, 1.5) is not a step, and neither is one without a word before it.
_AFTER = r"(?![A-Za-z0-9])(?!\.\d)(?![_\-]of[_\-]\d)"
_STEP = re.compile(rf"(?<![A-Za-z])(?:global[_\-]?)?steps?[_\-=. ]?(\d+){_AFTER}", re.IGNORECASE)
_SAVED = re.compile(rf"(?<![A-Za-z])(?:checkpoint|ckpt|iter|iteration)[_\-=. ]?(\d+){_AFTER}", re.IGNORECASE)


def step_of(reference: Reference) -> int:
    """Return the training step in the name of a file, of a folder or of a revision.

    A name that holds the word *step* is read by it alone; else `checkpoint`, `ckpt` and `iter` count, and a
    name that is nothing but digits. Where a file's name says nothing (`model.safetensors`) its folder's does.

    Raises:
        InputError: there is none, or there are several that differ.
    """
    if isinstance(reference, HubReference):
        return step_in_name(reference.revision)
    if isinstance(reference, PathReference):
        return step_in_name(_stem(PurePath(reference.path)))
    raise InputError(f"{reference.text} has no step in its name", hint="give it with --step N")


def step_in_name(name: str) -> int:
    """Return the one step that a name holds.

    Raises:
        InputError: there is none, or there are several that differ.
    """
    found = [name] if re.fullmatch(r"\d+", name) else _STEP.findall(name) or _SAVED.findall(name)
    steps = {int(digits) for digits in found if len(digits) <= _LONGEST_STEP}
    if len(steps) == 1:
        return steps.pop()
    if steps:
        numbers = ", ".join(str(step) for step in sorted(steps))
        raise InputError(f"'{name}' has more than one step in its name: {numbers}", hint="give --step N")
    raise InputError(f"'{name}' has no step in its name", hint=f"steps are read from names like {STEP_FORMS}")


def _stem(path: PurePath) -> str:
    stem = path.stem if path.suffix in WEIGHT_SUFFIXES else path.name
    return path.parent.name if stem in _GENERIC and path.parent.name else stem


def natural_order(text: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts numbers in texts by value: `step_9` before `step_10`."""
    parts = re.split(r"(\d+)", text)
    return tuple((1, int(part), part) if part.isdecimal() else (0, 0, part) for part in parts if part)
