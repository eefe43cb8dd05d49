"""The table of VTAB: accuracies in percent on its 19 tasks, at 1,000 examples and with all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ingest.benchmarks import BenchmarkDescription
from ingest.score_files.claims import Gathering, ParsedFile, Reading, in_message
from ingest.score_files.columns import MODEL, check_columns, refuse_unknown, require_roles, roles_of
from ingest.score_files.numbers import is_empty
from ingest.score_files.tables import OutsideFile, Row, Table, named_rows, raw_rows, read_table
from ingest.score_files.wide import by_protocol, read_cells
from ingest.scores import Claim
from registry.errors import InputError

NAME = "vtab"
SUITE = "vtab"
TASKS = (
    "CIFAR-100", "Caltech101", "Camelyon", "Clevr-Count", "Clevr-Dist", "DMLab", "DTD", "EuroSAT",
    "Flowers102", "KITTI-Dist", "Pets", "Resisc45", "Retinopathy", "SVHN", "Sun397", "dSpr-Loc",
    "dSpr-Orient", "sNORB-Azim", "sNORB-Elev",
)  # fmt: skip
FIRST_CELL = "train_examples_if_subset"
METADATA = "metadata"
_HEADERS = (FIRST_CELL, "dataset", "method")


def read(file: OutsideFile, reading: Reading) -> ParsedFile:
    """Return the claims of the published table, with 3 header rows, or of one row of names and their tasks.

    How many examples a method was trained on is the protocol. A value in another unit than the rest of its
    column is refused, and never converted.

    Raises:
        InputError: the file is no such table, or a column is no task of VTAB.
        UsageError: a column that the user speaks of is not there.
    """
    if file.suffix in (".csv", ".tsv"):
        rows = raw_rows(file)
        if rows[0].cells[0].strip() == FIRST_CELL:
            return _read_published(file, rows, reading)
    return _read_plain(file, read_table(file), reading)


def _read_published(file: OutsideFile, rows: Sequence[Row], reading: Reading) -> ParsedFile:
    heads, body = rows[: len(_HEADERS)], rows[len(_HEADERS) :]
    width = len(heads[0].cells)
    is_whole = len(heads) == len(_HEADERS) and all(len(row.cells) == width for row in heads[:2])
    if not is_whole or [row.cells[0].strip() for row in heads] != list(_HEADERS):
        raise InputError(
            f"{file.name}: expected header rows that begin with {', '.join(_HEADERS)}, of one length",
            hint="download the table again, or write one row of column names",
        )
    protocols = [cell.strip() for cell in heads[0].cells]
    names = [cell.strip() for cell in heads[1].cells]
    places = [place for place in range(1, width) if protocols[place] != METADATA]
    tasks = [names[place] for place in places]
    check_columns(file, names[1:], reading)
    refuse_unknown(file, tasks, TASKS, reading, "a known task")
    keys = [f"{protocols[place]} {names[place]}" for place in range(1, width)]
    twice = next((key for key, count in Counter(keys).items() if count > 1), None)
    if twice is not None:
        raise InputError(
            f"{file.name}: the column '{in_message(twice)}' stands there twice", hint="rename one of them"
        )
    gathering = Gathering(NAME)
    found = named_rows(Table(["method", *keys], body), gathering)
    columns = [(protocols[place], names[place]) for place in places if names[place] not in reading.ignored]
    for protocol, chosen in by_protocol(columns).items():
        described = {f"{protocol} {name}": _task(name, reading) for name in chosen}
        about = {f"{METADATA} {name}": name for name in names[1:]}
        conditions = [_condition(cells, protocol, about, reading) for _, cells in found]
        named = [(row, cells["method"], cells) for row, cells in found]
        read_cells(gathering, named, described, conditions, is_unit_known=False)
    return gathering.done()


def _condition(cells: Mapping[str, str], examples: str, about: Mapping[str, str], reading: Reading) -> Claim:
    details = {name: cells[key] for key, name in about.items() if key in cells and not is_empty(cells[key])}
    words = "full training set" if examples == "full" else f"{examples} training examples"
    protocol = words if reading.protocol is None else f"{reading.protocol}, {words}"
    return Claim(0.0, protocol=protocol, split=reading.split, shots=reading.shots, details=details)


def _read_plain(file: OutsideFile, table: Table, reading: Reading) -> ParsedFile:
    check_columns(file, table.columns, reading)
    roles = roles_of(table.columns, reading, [MODEL])
    require_roles(file, table.columns, roles, [MODEL])
    tasks = [name for name in table.columns if name not in reading.ignored and name != roles[MODEL]]
    refuse_unknown(file, tasks, TASKS, reading, "a known task")
    gathering = Gathering(NAME)
    found = named_rows(table, gathering)
    said = Claim(0.0, protocol=reading.protocol, split=reading.split, shots=reading.shots)
    read_cells(
        gathering,
        [(row, cells[roles[MODEL]], cells) for row, cells in found],
        {name: _task(name, reading) for name in tasks},
        [said] * len(found),
        is_unit_known=False,
    )
    return gathering.done()


def _task(column: str, reading: Reading) -> BenchmarkDescription:
    return BenchmarkDescription(
        reading.suite or SUITE,
        reading.columns.get(column, column),
        reading.metric or "accuracy",
        higher_is_better=True,
        low=0.0,
        high=100.0,
    )
