"""Cavewall: a database of a model zoo's embeddings and their pairwise alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cavewall.shadows import refuse_shadows
from cavewall.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from cavewall.zoo import Zoo

__all__ = ["__version__", "create", "open"]

refuse_shadows()


def open(address: str | Path = ".") -> Zoo:  # noqa: A001 - read as `cavewall.open`
    """Return the zoo of a folder or of a database address.

    Args:
        address: a folder in a zoo, the path of an SQLite registry, or a database URL.

    Raises:
        registry.errors.RegistryError: there is no zoo, or its schema does not fit this version.
    """
    from cavewall.zoo import open_zoo

    return open_zoo(address)


def create(folder: str | Path, database: str | None = None) -> Zoo:
    """Make a zoo in a folder, as `cavewall init` does, and return it.

    Args:
        folder: made where it is missing; it must not hold a zoo yet.
        database: a PostgreSQL address; an SQLite file in the folder where it is None.

    Raises:
        registry.errors.RegistryError: the folder holds a zoo, or cannot be written.
    """
    from cavewall.zoo import create_zoo

    return create_zoo(folder, database)
