"""Which files a command that imports is given: names, and patterns that no shell has replaced."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path

from registry.errors import UsageError


def named_files(names: Sequence[str]) -> list[Path]:
    """Return the files of some names and patterns, each once, in that order; `**` goes into folders.

    Raises:
        UsageError: a pattern matches nothing.
    """
    found: dict[Path, None] = {}
    for name in names:
        if Path(name).exists() or not glob.has_magic(name):
            found[Path(name)] = None
            continue
        matched = sorted(glob.glob(name, recursive=True))  # noqa: PTH207  pathlib has no absolute patterns
        if not matched:
            raise UsageError(f"no file matches '{name}'", hint="check the folder and the pattern")
        found |= dict.fromkeys(map(Path, matched))
    return list(found)


def named_files_and_addresses(names: Sequence[str]) -> list[Path | str]:
    """Return the same, with addresses such as `s3://bucket/x.safetensors` as they are.

    Raises:
        UsageError: a pattern matches nothing.
    """
    found: dict[Path | str, None] = {}
    for name in names:
        is_address = not Path(name).exists() and ("::" in name or "://" in name.removeprefix("file:///"))
        found |= dict.fromkeys([name] if is_address else named_files([name.removeprefix("file://")]))
    return list(found)
