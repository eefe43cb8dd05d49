"""Long tables in general: one claim in each row."""

from __future__ import annotations

from dataclasses import replace

from ingest.score_files.claims import FoundClaim, Gathering, ParsedFile, Reading, row_text
from ingest.score_files.columns import (
    check_columns,
    described_task,
    plain_task,
    refuse_unknown,
    require_roles,
    roles_of,
)
from ingest.score_files.numbers import is_empty, parse_count, parse_number
from ingest.score_files.tables import OutsideFile, Row, named_rows, read_table
from ingest.scores import Claim

NAME = "long"
NEEDED = ("model", "benchmark", "value")
KNOWN = (*NEEDED, "metric", "stderr", "shots", "items", "protocol", "split", "version")


def read(file: OutsideFile, reading: Reading) -> ParsedFile:
    """Return the claims of a table with the columns model, benchmark and value, and what else is known.

    A benchmark is `SUITE/TASK`; a bare task is one of `--suite`. What a cell leaves open is as the options
    of the import say.

    Raises:
        InputError: a column is missing, or is not known.
        UsageError: a column that the user speaks of is not there.
    """
    table = read_table(file)
    check_columns(file, table.columns, reading)
    roles = roles_of(table.columns, reading, KNOWN)
    require_roles(file, table.columns, roles, NEEDED)
    refuse_unknown(file, table.columns, KNOWN, reading, "one that a long table has")
    gathering = Gathering(NAME)
    for row, cells in named_rows(table, gathering):
        try:
            gathering.add(_claim(row, {role: cells[column] for role, column in roles.items()}, reading))
        except ValueError as error:
            gathering.refuse(row.line, row_text(row.cells), str(error))
    return gathering.done()


def _claim(row: Row, cells: dict[str, str], reading: Reading) -> FoundClaim:
    said = {role: cell for role, cell in cells.items() if not is_empty(cell)}
    value = parse_number(cells["value"])
    for role in ("model", "benchmark"):
        if role not in said:
            raise ValueError(f"the cell '{role}' is empty")
    suite, slash, task = said["benchmark"].partition("/")
    if slash and not suite:
        raise ValueError(f"'{said['benchmark']}' names no suite")
    if slash:
        benchmark = plain_task(task, suite=suite, metric=reading.metric or "score", unit=reading.unit)
    else:
        benchmark = described_task(said["benchmark"], reading, suite=reading.suite or "")
    claim = Claim(
        value,
        stderr=parse_number(said["stderr"]) if "stderr" in said else None,
        shots=parse_count(said["shots"], "examples") if "shots" in said else reading.shots,
        item_count=parse_count(said["items"], "items") if "items" in said else None,
        protocol=said.get("protocol", reading.protocol),
        split=said.get("split", reading.split),
    )
    benchmark = replace(
        benchmark,
        metric=said.get("metric", benchmark.metric),
        version=said.get("version", benchmark.version),
    )
    return FoundClaim(row.line, said["model"], benchmark, claim, row_text(row.cells))
