"""Named analyses: one SQL file each, loaded by name and run with bound parameters."""

from __future__ import annotations

import difflib
from functools import cache
from importlib.resources import files

from registry.errors import NotFoundError


def names() -> list[str]:
    """Return the names of all analyses, sorted."""
    return sorted(
        path.name.removesuffix(".sql")
        for path in files("analysis").joinpath("sql").iterdir()
        if path.name.endswith(".sql")
    )


@cache
def load(name: str) -> str:
    """Return the text of an analysis: one statement, whose opening comment says what it asks and answers.

    Raises:
        NotFoundError: there is none of that name.
    """
    if name not in names():
        close = difflib.get_close_matches(name, names(), n=1)
        hint = f"did you mean {close[0]} ?" if close else f"there are: {', '.join(names())}"
        raise NotFoundError(f"no analysis '{name}'", hint=hint)
    return files("analysis").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
