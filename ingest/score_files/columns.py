"""What the columns of a table are: by their names, or as the user maps them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from ingest.benchmarks import BenchmarkDescription
from ingest.score_files.claims import RANGE_OF_UNIT, Reading, Unit, in_message
from ingest.score_files.tables import OutsideFile
from registry.errors import InputError, UsageError
from registry.lookup import nearest

MODEL = "model"


def check_columns(file: OutsideFile, columns: Sequence[str], reading: Reading) -> None:
    """Require that what the user says about columns is about columns that are there.

    Raises:
        UsageError: a column that is mapped or ignored is not in the file, or two are mapped to one thing.
    """
    for name in (*reading.columns, *sorted(reading.ignored)):
        if name not in columns:
            raise UsageError(
                f"{file.name} has no column '{in_message(name)}'",
                hint=nearest(name, map(in_message, columns)) or f"it has {_listed(columns)}",
            )
    meanings = list(reading.columns.values())
    twice = next((meaning for meaning in meanings if meanings.count(meaning) > 1), None)
    if twice is not None:
        raise UsageError(f"two columns are mapped to '{twice}'", hint="map each to another name")


def roles_of(columns: Iterable[str], reading: Reading, known: Collection[str]) -> dict[str, str]:
    """Return the column of each role in `known`: as it is mapped, else by its name, whatever its case."""
    left = [name for name in columns if name not in reading.ignored]
    found = {
        name.casefold(): name for name in left if name.casefold() in known and name not in reading.columns
    }
    return found | {role: name for name, role in reading.columns.items() if role in known}


def require_roles(
    file: OutsideFile, columns: Sequence[str], roles: Mapping[str, str], needed: Iterable[str]
) -> None:
    """Require that a table has the columns that its format needs.

    Raises:
        InputError: one is missing.
    """
    for role in needed:
        if role not in roles:
            close = nearest(role, map(in_message, columns))
            hint = f"{close}  map it: --map COLUMN={role}" if close else f"map one: --map COLUMN={role}"
            raise InputError(f"{file.name} has no column '{role}', found {_listed(columns)}", hint=hint)


def refuse_unknown(
    file: OutsideFile, columns: Iterable[str], known: Collection[str], reading: Reading, what: str
) -> None:
    """Require that every column is known, mapped or ignored.

    Raises:
        InputError: one is not.
    """
    for name in columns:
        if name in reading.ignored or name in reading.columns or name.casefold() in known or name in known:
            continue
        close = nearest(name, known)
        way = f"map it: --map '{in_message(name)}=NAME', or leave it out: --ignore '{in_message(name)}'"
        raise InputError(
            f"{file.name}: the column '{in_message(name)}' is not {what}",
            hint=f"{close}  {way}" if close else way,
        )


def described_task(
    text: str, reading: Reading, *, suite: str, unit: Unit | None = None
) -> BenchmarkDescription:
    """Return the benchmark of a task that the user writes as `[SUITE/]TASK[:METRIC]`."""
    rest, _, metric = text.partition(":")
    before, slash, task = rest.partition("/")
    return plain_task(
        task if slash else rest,
        suite=before if slash else suite,
        metric=metric or reading.metric or "score",
        unit=unit or reading.unit,
    )


def plain_task(task: str, *, suite: str, metric: str, unit: Unit | None) -> BenchmarkDescription:
    """Return a benchmark whose range is that of a unit."""
    low, high = RANGE_OF_UNIT[unit]
    return BenchmarkDescription(suite, task, metric, low=low, high=high)


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(in_message(name) for name in columns[:8])
    return f"{shown} and {len(columns) - 8} more" if len(columns) > 8 else shown
