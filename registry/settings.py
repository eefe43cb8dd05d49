"""Configuration: where each value comes from, and the value.

First wins: a flag, a CAVEWALL_* variable, cavewall.toml or [tool.cavewall] of pyproject.toml (searched
upward), the user's own file, the default. A relative path counts from the folder of the file that holds it.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from registry.errors import ConfigurationError
from registry.file_cache import cache_folder
from registry.locations import LOCATIONS, check_locations, declared_places
from registry.remote_places import Place

ZOO_FILE = "cavewall.toml"
VARIABLES = {"database": "CAVEWALL_DB", "store": "CAVEWALL_STORE", "device": "CAVEWALL_DEVICE"}
DEFAULTS = {"database": ".cavewall/registry.sqlite", "store": "store", "device": "auto"}


TRUST = "trust"
TRUST_KEYS = ("pickles", "entry_points")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ENTRY_POINT = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)


@dataclass(frozen=True)
class TrustList:
    """What `[trust]` allows to run here: pickles by sha256, networks of one's own by `module:function`."""

    pickles: tuple[str, ...] = ()
    entry_points: tuple[str, ...] = ()


@dataclass(frozen=True)
class Value:
    """One setting with its origin, as `config show` prints it."""

    key: str
    value: str
    origin: str


@dataclass(frozen=True)
class Settings:
    """What a command works on. `folder` is the zoo's folder, None where only an address was given."""

    folder: Path | None
    database: str
    store: Path
    device: str
    values: tuple[Value, ...]
    trust: TrustList = TrustList()
    locations: Mapping[str, Place] = field(default_factory=dict)
    cache: Path | None = None


def load_settings(
    start: Path,
    *,
    database: str | None = None,
    store: str | None = None,
    device: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings that hold in a folder.

    Args:
        start: where the search for the zoo's file begins, upward.
        database: the flag, if one was given: a database address or the path of an SQLite file.
        store: the flag for the store's folder.
        device: the flag for where to compute (`auto`, `cpu`, `cuda`, `cuda:1` …).
        environment: variables; the process's own where it is None.

    Raises:
        ConfigurationError: there is no zoo, a file is not TOML, or a key is unknown.
    """
    variables = os.environ if environment is None else environment
    folder, sources = _sources(start, variables)
    flags = {"database": database, "store": store, "device": device}
    if folder is None and not (
        database or variables.get("CAVEWALL_DB") or any("database" in s[1] for s in sources)
    ):
        raise ConfigurationError(
            f"no zoo here: neither {start.resolve()} nor a folder above it has a {ZOO_FILE}",
            hint="make one with 'cavewall init FOLDER', or give a database address with --db",
        )
    found = {key: _pick(key, flags[key], variables, sources, folder or start) for key in DEFAULTS}
    return Settings(
        folder=folder,
        database=found["database"].value,
        store=Path(found["store"].value),
        device=found["device"].value,
        values=(*found.values(), *_trust_values(sources)),
        trust=TrustList(*(tuple(dict.fromkeys(_listed(sources, key))) for key in TRUST_KEYS)),
        locations=declared_places(sources),
        cache=cache_folder(variables),
    )


_Layer = tuple[Path, Mapping[str, Any]]


def _sources(start: Path, variables: Mapping[str, str]) -> tuple[Path | None, list[_Layer]]:
    layers: list[_Layer] = []
    folder: Path | None = None
    here = start.resolve()
    for candidate in (here, *here.parents):
        for path, section in (
            (candidate / ZOO_FILE, ()),
            (candidate / "pyproject.toml", ("tool", "cavewall")),
        ):
            table = _table(path, section)
            if table is not None:
                folder = candidate
                layers.append((path, table))
                break
        if folder is not None:
            break
    home = Path(variables.get("XDG_CONFIG_HOME") or Path(variables.get("HOME", "~")).expanduser() / ".config")
    own = home / "cavewall" / "config.toml"
    table = _table(own, ())
    if table is not None:
        layers.append((own, table))
    return folder, layers


def _table(path: Path, section: tuple[str, ...]) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        table: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        if section:  # somebody else's pyproject.toml is not ours to judge
            return None
        raise ConfigurationError(f"{path} is not TOML: {error}", hint="correct the file") from error
    for name in section:
        if not isinstance(table, Mapping) or name not in table:
            return None
        table = table[name]
    _refuse_unknown_keys(path, table)
    return dict(table)


def _refuse_unknown_keys(path: Path, table: Mapping[str, Any]) -> None:
    for key, value in table.items():
        if key == TRUST:
            _check_trust(path, value)
            continue
        if key == LOCATIONS:
            check_locations(path, value)
            continue
        if key not in DEFAULTS:
            known = [*DEFAULTS, TRUST, LOCATIONS]
            close = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean '{close[0]}' ?" if close else f"known keys: {', '.join(known)}"
            raise ConfigurationError(f"{path} has the unknown key '{key}'", hint=hint)
        if not isinstance(value, str):
            raise ConfigurationError(
                f"{path}: '{key}' must be a text, found {value!r}", hint="put it in quotes"
            )


def _check_trust(path: Path, table: object) -> None:
    """Refuse a `[trust]` that could mean more than it says: full digests and whole names only."""
    if path.name == "pyproject.toml":
        raise ConfigurationError(
            f"{path} has [trust]: a project's file travels, trust belongs to one machine",
            hint=f"write it into {ZOO_FILE}, or into your own configuration file",
        )
    if not isinstance(table, Mapping) or set(table) - set(TRUST_KEYS):
        raise ConfigurationError(
            f"{path}: [trust] holds something else than {' and '.join(TRUST_KEYS)}", hint="correct the file"
        )
    for key, pattern, what in (
        ("pickles", _DIGEST, "a full sha256: 64 hexadecimal digits in lower case"),
        ("entry_points", _ENTRY_POINT, "module:function"),
    ):
        entries = table.get(key, [])
        listed = entries if isinstance(entries, list) else [entries]
        wrong = [entry for entry in listed if not isinstance(entry, str) or not pattern.fullmatch(entry)]
        if wrong or listed is not entries:
            found = wrong[0] if wrong else entries
            raise ConfigurationError(
                f"{path}: [trust] {key} is a list of texts, each {what}; found {found!r}",
                hint="'sha256sum FILE' prints a digest" if key == "pickles" else "see docs/architectures.md",
            )


def _listed(layers: list[_Layer], key: str) -> list[str]:
    return [entry for _, table in layers for entry in table.get(TRUST, {}).get(key, [])]


def _trust_values(layers: list[_Layer]) -> list[Value]:
    return [
        Value(f"{TRUST}.{key}", ", ".join(table[TRUST][key]), str(path))
        for path, table in layers
        for key in TRUST_KEYS
        if table.get(TRUST, {}).get(key)
    ]


def _pick(
    key: str, flag: str | None, variables: Mapping[str, str], layers: list[_Layer], folder: Path
) -> Value:
    if flag:
        return Value(key, _absolute(key, flag, Path.cwd()), "flag")
    if variables.get(VARIABLES[key]):
        return Value(key, _absolute(key, variables[VARIABLES[key]], Path.cwd()), f"variable {VARIABLES[key]}")
    for path, table in layers:
        if key in table:
            return Value(key, _absolute(key, table[key], path.parent), str(path))
    return Value(key, _absolute(key, DEFAULTS[key], folder), "default")


def _absolute(key: str, value: str, folder: Path) -> str:
    """Return a database address, an absolute path, or the word itself."""
    if key == "device":
        return value
    if key == "store":
        return str((folder / Path(value).expanduser()).resolve())
    return absolute_database(value, folder)


def absolute_database(value: str, folder: Path) -> str:
    """Return a database address whose SQLite file, if it is one, does not depend on the working folder."""
    if "://" not in value:
        return f"sqlite:///{(folder / Path(value).expanduser()).resolve()}"
    prefix = "sqlite:///"
    if value.startswith(prefix) and not value.startswith("sqlite:////"):
        return f"{prefix}{(folder / value.removeprefix(prefix)).resolve()}"
    return value
