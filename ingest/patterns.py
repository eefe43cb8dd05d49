"""One pattern, many references: braces written out, and files found where a path is a glob."""

from __future__ import annotations

import glob
import os

from ingest.references import PathReference, parse_reference
from ingest.steps import natural_order
from registry.errors import InputError, UsageError
from registry.expansion import LARGEST_EXPANSION, expand_braces, has_braces

_SCHEME = "path:"


def expand_reference(text: str) -> list[str]:
    """Return the references that a pattern stands for: braces first, then globs over files.

    `path:` takes `*`, `?`, `[…]` and `**`, which spans folders; files come in natural order, `step_9` before
    `step_10`. A path that exists as it is written is meant as it is written.

    Raises:
        UsageError: the braces are malformed, or the pattern stands for too many.
        InputError: no file matches.
    """
    text = text.strip()
    if _is_file(text):
        return [text]
    found: list[str] = []
    for expanded in expand_braces(text) if has_braces(text) else [text]:
        found += _files(expanded)
        if len(found) > LARGEST_EXPANSION:
            raise UsageError(
                f"'{text}' matches more than {LARGEST_EXPANSION:,} files",
                hint="use a narrower pattern, or several commands",
            )
    return list(dict.fromkeys(found))


def is_pattern(text: str) -> bool:
    """Return whether a text may stand for more than one reference."""
    return has_braces(text) or (text.strip().startswith(_SCHEME) and glob.has_magic(text))


def _is_file(text: str) -> bool:
    path = os.path.expanduser(text.removeprefix(_SCHEME))  # noqa: PTH111 - Path raises for an unknown ~user
    return text.startswith(_SCHEME) and os.path.lexists(path)


def _files(text: str) -> list[str]:
    if not text.startswith(_SCHEME) or not glob.has_magic(text) or _is_file(text):
        return [text]
    reference = parse_reference(text)
    pattern = reference.path if isinstance(reference, PathReference) else ""
    found = glob.glob(os.path.expanduser(pattern), recursive=True)  # noqa: PTH111, PTH207 - as it is written
    matched = sorted(found, key=natural_order)
    if not matched:
        raise InputError(f"no file matches {text}", hint="quote it, and look with: ls")
    return [f"{_SCHEME}{path}" for path in matched]
