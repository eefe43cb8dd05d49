"""Cavewall: a database of a model zoo's embeddings and their pairwise alignment."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cavewall.shadows import refuse_shadows
from cavewall.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from cavewall.zoo import Zoo

__all__ = ["__version__", "open"]

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
