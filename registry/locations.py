"""Places outside the store in which files may stay: `[locations]` of the configuration, name by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.errors import ConfigurationError

LOCATIONS = "locations"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]*")


def check_locations(path: Path, table: object) -> None:
    """Refuse a `[locations]` that names no folders.

    Raises:
        ConfigurationError: it is no table of texts, or a place is remote or a chained address.
    """
    if not isinstance(table, Mapping):
        raise ConfigurationError(
            f"{path}: [{LOCATIONS}] is a table, found {table!r}",
            hint=f'write  [{LOCATIONS}]  lab = "/data/lab"',
        )
    for name, value in table.items():
        if not _NAME.fullmatch(str(name)) or not isinstance(value, str) or not value:
            raise ConfigurationError(
                f"{path}: the place '{name}' must be a text, found {value!r}",
                hint=f'write  [{LOCATIONS}]  lab = "/data/lab"',
            )
        if "::" in value:
            raise ConfigurationError(
                f"{path}: the place '{name}' is a chained address, {value}", hint="give one plain folder"
            )
        if "://" in value and not value.startswith("file:///"):
            raise ConfigurationError(
                f"{path}: the place '{name}' is remote, {value}; only local folders are read in place",
                hint="mount it, or import the files into the store",
            )


def declared_places(layers: Sequence[tuple[Path, Mapping[str, Any]]]) -> dict[str, Path]:
    """Return the folder of every declared place; the first file that names one wins.

    Args:
        layers: the configuration's files with their tables; a relative folder counts from its file's.
    """
    places: dict[str, Path] = {}
    for path, table in layers:
        for name, value in table.get(LOCATIONS, {}).items():
            folder = Path(value.removeprefix("file://")).expanduser()
            places.setdefault(name, (path.parent / folder).resolve())
    return places
