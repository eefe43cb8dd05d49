"""Wide tables in general: one checkpoint in each row, one task in each column."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from ingest.benchmarks import BenchmarkDescription
from ingest.score_files.claims import FoundClaim, Gathering, ParsedFile, Reading, in_message, row_text
from ingest.score_files.columns import (
    MODEL,
    check_columns,
    described_task,
    plain_task,
    require_roles,
    roles_of,
)
from ingest.score_files.numbers import is_empty, is_like_a_number, parse_count, parse_number
from ingest.score_files.plausibility import fact_of_column, fault_of_facts, in_another_unit
from ingest.score_files.tables import OutsideFile, Row, named_rows, read_table
from ingest.scores import Claim
from registry.errors import InputError

NAME = "wide"
ROLES = (MODEL, "shots", "protocol", "split")

Cells = Mapping[str, str]


def read(file: OutsideFile, reading: Reading) -> ParsedFile:
    """Return the claims of a table with a column `model` and a column for each task.

    Columns whose header says parameters, tokens or FLOPs are facts about a row, which is refused whole where
    they contradict each other or its name (`plausibility.py`). A column without any number is a description.
    Every other one is a task.

    Raises:
        InputError: there is no column for the model, or none for a task.
        UsageError: a column that the user speaks of is not there.
    """
    table = read_table(file)
    check_columns(file, table.columns, reading)
    roles = roles_of(table.columns, reading, ROLES)
    require_roles(file, table.columns, roles, [MODEL])
    gathering = Gathering(NAME)
    rows = named_rows(table, gathering)
    left = [name for name in table.columns if name not in reading.ignored and name not in roles.values()]
    facts = [name for name in left if fact_of_column(name) and name not in reading.columns]
    open_ = [name for name in left if name not in facts]
    silent = [
        name
        for name in open_
        if name not in reading.columns and not any(is_like_a_number(cells[name]) for _, cells in rows)
    ]
    tasks = {name: _described(name, reading) for name in open_ if name not in silent}
    if not tasks:
        raise InputError(f"{file.name} has no column with results", hint="see: cavewall score formats wide")
    gathering.notes.append(f"tasks: {', '.join(map(in_message, tasks))}")
    if facts or silent:
        gathering.notes.append(f"not tasks: {', '.join(map(in_message, [*facts, *silent]))}")
    sound = []
    for row, cells in rows:
        fault = fault_of_facts(cells[roles[MODEL]], {name: cells[name] for name in facts})
        if fault is None:
            sound.append((row, cells))
        else:
            gathering.refuse(row.line, row_text(row.cells), fault)
    _read_rows(gathering, sound, roles, tasks, reading)
    return gathering.done()


def _described(column: str, reading: Reading) -> BenchmarkDescription:
    suite = reading.suite or ""
    if column in reading.columns:
        return described_task(reading.columns[column], reading, suite=suite)
    return plain_task(column, suite=suite, metric=reading.metric or "score", unit=reading.unit)


def _read_rows(
    gathering: Gathering,
    rows: Sequence[tuple[Row, Cells]],
    roles: Mapping[str, str],
    tasks: Mapping[str, BenchmarkDescription],
    reading: Reading,
) -> None:
    conditions: dict[int, Claim] = {}
    for position, (row, cells) in enumerate(rows):
        try:
            conditions[position] = _condition(cells, roles, reading)
        except ValueError as error:
            gathering.refuse(row.line, row_text(row.cells), str(error))
    kept = [(row, cells, conditions[place]) for place, (row, cells) in enumerate(rows) if place in conditions]
    read_cells(
        gathering,
        [(row, cells[roles[MODEL]], cells) for row, cells, _ in kept],
        tasks,
        [condition for _, _, condition in kept],
        is_unit_known=reading.unit is not None,
    )


def _condition(cells: Cells, roles: Mapping[str, str], reading: Reading) -> Claim:
    said = {role: cells[column] for role, column in roles.items() if not is_empty(cells[column])}
    return Claim(
        0.0,
        shots=parse_count(said["shots"], "examples") if "shots" in said else reading.shots,
        protocol=said.get("protocol", reading.protocol),
        split=said.get("split", reading.split),
    )


def read_cells(
    gathering: Gathering,
    rows: Sequence[tuple[Row, str, Cells]],
    tasks: Mapping[str, BenchmarkDescription],
    conditions: Sequence[Claim],
    *,
    is_unit_known: bool,
) -> None:
    """Read the cells of task columns; a value in another unit than the rest of its column is refused.

    Args:
        gathering: takes what is found.
        rows: each with the name of its checkpoint and its cells.
        tasks: the benchmark of each column.
        conditions: for each row, how it was measured.
        is_unit_known: whether the user says the unit, so that no value is in another one.
    """
    for column, benchmark in tasks.items():
        values: dict[int, float] = {}
        for place, (row, name, cells) in enumerate(rows):
            try:
                values[place] = parse_number(cells[column])
            except ValueError as error:
                gathering.refuse(row.line, f"{name}: {column}={cells[column]}", f"{column}: {error}")
        strange = set() if is_unit_known else in_another_unit(list(values.values()))
        rest = [value for value in values.values() if value not in strange]
        for place, value in values.items():
            row, name, cells = rows[place]
            content = f"{name}: {column}={cells[column]}"
            if value in strange:
                span = f"{min(rest):g} to {max(rest):g}" if rest else "of both kinds"
                gathering.refuse(
                    row.line,
                    content,
                    f"{column}: {value:g} is in another unit than the rest of its column ({span})",
                )
                continue
            said = conditions[place]
            claim = Claim(
                value, shots=said.shots, protocol=said.protocol, split=said.split, details=dict(said.details)
            )
            gathering.add(FoundClaim(row.line, name, benchmark, claim, content))


def by_protocol(columns: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the columns of each protocol, from pairs of both."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for protocol, column in columns:
        found[protocol].append(column)
    return dict(found)
