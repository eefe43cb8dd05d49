"""Places outside the store in which files may stay: `[locations]` of the configuration, name by name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from registry.errors import ConfigurationError
from registry.remote_places import Place, RemotePlace, address_fault

LOCATIONS = "locations"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]*")


def check_locations(path: Path, table: object) -> None:
    """Refuse a `[locations]` that names no folders, here or behind an address.

    Raises:
        ConfigurationError: it is no table of texts, or an address is chained, holds credentials or a query,
            is of an unknown protocol, or no plain path.
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
        is_local = "://" not in value or value.startswith("file:///")
        fault = address_fault(value) if not is_local or "::" in value else None
        if fault is not None:
            raise ConfigurationError(
                f"{path}: the place '{name}' {fault}",
                hint="write a plain folder, like /data/lab or s3://BUCKET/FOLDER; "
                "credentials come from the environment",
            )


def declared_places(layers: Sequence[tuple[Path, Mapping[str, Any]]]) -> dict[str, Place]:
    """Return the folder of every declared place; the first file that names one wins.

    Args:
        layers: the configuration's files with their tables; a relative folder counts from its file's.
    """
    places: dict[str, Place] = {}
    for path, table in layers:
        for name, value in table.get(LOCATIONS, {}).items():
            if "://" in value and not value.startswith("file:///"):
                places.setdefault(name, RemotePlace(value.rstrip("/")))
                continue
            folder = Path(value.removeprefix("file://")).expanduser()
            places.setdefault(name, (path.parent / folder).resolve())
    return places
