"""timm's `results-*.csv`: top-1 and top-5 of pretrained models on one test set, in percent."""

from __future__ import annotations

from ingest.benchmarks import BenchmarkDescription
from ingest.score_files.claims import FoundClaim, Gathering, ParsedFile, Reading, row_text
from ingest.score_files.columns import check_columns, require_roles, roles_of
from ingest.score_files.numbers import parse_number, parse_size
from ingest.score_files.plausibility import fault_of_size
from ingest.score_files.tables import OutsideFile, Row, named_rows, read_table
from ingest.scores import Claim
from registry.errors import UsageError

NAME = "timm-results"
SUITE = "imagenet"
METRICS = ("top1", "top5")
NEEDED = (
    "model", "img_size", "top1", "top1_err", "top5", "top5_err", "param_count", "crop_pct", "interpolation",
)  # fmt: skip
_FILE_PREFIX = "results-"
_ROUNDING = 0.05


def read(file: OutsideFile, reading: Reading) -> ParsedFile:
    """Return the claims of a file: which test set from `--protocol`, else from the file's name.

    Image size, crop and interpolation are part of the protocol: one model is listed once for each. A row
    whose accuracy and error do not add up to 100, or whose parameter count contradicts the size in its name
    before the dot (what follows it names the training data), is refused whole.

    Raises:
        InputError: the file is no such table.
        UsageError: nothing says which test set it is.
    """
    task = reading.protocol or file.stem.removeprefix(_FILE_PREFIX)
    if reading.protocol is None and (not file.stem.startswith(_FILE_PREFIX) or not task):
        raise UsageError(
            f"nothing says on which test set {file.name} was measured",
            hint="add --protocol, for example in1k-val",
        )
    table = read_table(file)
    check_columns(file, table.columns, reading)
    roles = roles_of(table.columns, reading, NEEDED)
    require_roles(file, table.columns, roles, NEEDED)
    gathering = Gathering(NAME)
    for row, cells in named_rows(table, gathering):
        _read_row(gathering, row, {role: cells[column] for role, column in roles.items()}, task, reading)
    return gathering.done()


def _read_row(gathering: Gathering, row: Row, cells: dict[str, str], task: str, reading: Reading) -> None:
    content = row_text(row.cells)
    try:
        count = parse_size(cells["param_count"]) * 1e6
        values = {metric: parse_number(cells[metric]) for metric in METRICS}
        errors = {metric: parse_number(cells[f"{metric}_err"]) for metric in METRICS}
    except ValueError as error:
        gathering.refuse(row.line, content, str(error))
        return
    fault = fault_of_size(cells["model"].partition(".")[0], count)
    for metric in METRICS:
        if abs(values[metric] + errors[metric] - 100) > _ROUNDING:
            fault = fault or (
                f"{metric} {values[metric]:g} and {metric}_err {errors[metric]:g} do not add up to 100"
            )
    if fault is not None:
        gathering.refuse(row.line, content, fault)
        return
    protocol = f"{task}, {cells['img_size']} px, crop {cells['crop_pct']}, {cells['interpolation']}"
    for metric in METRICS:
        gathering.add(
            FoundClaim(
                row.line,
                cells["model"],
                BenchmarkDescription(
                    reading.suite or SUITE, task, metric, higher_is_better=True, low=0.0, high=100.0
                ),
                Claim(
                    values[metric],
                    protocol=protocol,
                    split=reading.split,
                    shots=reading.shots,
                    details={"parameter_count": round(count)},
                ),
                content,
            )
        )
