"""The results of the CLIP benchmark: its tables, and its JSON of one run or of several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ingest.benchmarks import BenchmarkDescription
from ingest.score_files.claims import FoundClaim, Gathering, ParsedFile, Reading, row_text
from ingest.score_files.columns import check_columns
from ingest.score_files.json_values import mapping_of, number_of, word_of
from ingest.score_files.numbers import EMPTY, is_empty
from ingest.score_files.tables import OutsideFile, named_rows, parsed_json, read_table
from ingest.scores import Claim
from registry.errors import InputError

NAME = "clip-benchmark"
SUITE = "clip-benchmark"
METRICS = (
    "acc1", "acc5", "mean_per_class_recall", "mean_average_precision", "image_retrieval_recall@5",
    "text_retrieval_recall@5",
)  # fmt: skip
PROBE = "lp_"
DATASETS = ("dataset", "downstream_dataset")
_PROTOCOLS = {
    "zeroshot_classification": "zero-shot",
    "zeroshot_retrieval": "zero-shot retrieval",
    "linear_probe": "linear probe",
}

Record = Mapping[str, Any]


def read(file: OutsideFile, reading: Reading) -> ParsedFile:
    """Return the claims of a file; how it was measured, zero-shot or by a linear probe, is the protocol.

    A checkpoint is called `MODEL PRETRAINED`. A metric that is empty where another one of its row is not was
    not asked for; a row without any is refused.

    Raises:
        InputError: the file is no such result.
    """
    gathering = Gathering(NAME)
    if file.suffix == ".json":
        for number, record in enumerate(records_of(file), start=1):
            gathering.row_count += 1
            _read_record(gathering, number, record, str(record), reading)
        return gathering.done()
    table = read_table(file)
    check_columns(file, table.columns, reading)
    renamed = {name: reading.columns.get(name, name) for name in table.columns if name not in reading.ignored}
    columns = set(renamed.values())
    missing = [
        what
        for what, names in (
            ("dataset", set(DATASETS)),
            ("model_fullname", {"model_fullname", "model"}),
            ("task", {"task"}),
            ("acc1", {metric for metric in columns if _is_metric(metric)}),
        )
        if not names & columns
    ]
    if missing:
        raise InputError(
            f"{file.name} has no column '{missing[0]}'", hint=f"map one: --map COLUMN={missing[0]}"
        )
    for row, cells in named_rows(table, gathering):
        record = {new: cells[old] for old, new in renamed.items()}
        _read_record(gathering, row.line, record, row_text(row.cells), reading)
    return gathering.done()


def records_of(file: OutsideFile) -> list[dict[str, Any]]:
    """Return the runs in a JSON file, their metrics beside what else they say.

    Raises:
        InputError: it holds none.
    """
    document = parsed_json(file)
    runs = document if isinstance(document, list) else [document]
    if not runs or not all(isinstance(run, dict) for run in runs):
        raise InputError(f"{file.name} holds no runs", hint="give the JSON of the CLIP benchmark")
    return [{**run, **mapping_of(run.get("metrics"))} for run in runs]


def _is_metric(name: str) -> bool:
    return name.removeprefix(PROBE) in METRICS or "_recall@" in name


def _read_record(gathering: Gathering, line: int, record: Record, content: str, reading: Reading) -> None:
    dataset = next((word for key in DATASETS if (word := word_of(record.get(key)))), None)
    name = _name_of(record)
    if dataset is None or name is None:
        gathering.refuse(line, content, f"it names no {'data set' if dataset is None else 'model'}")
        return
    said = {
        key: value
        for key, value in record.items()
        if _is_metric(key) and not (value is None or (isinstance(value, str) and is_empty(value)))
    }
    if not said:
        gathering.refuse(line, content, EMPTY)
    for key, value in said.items():
        try:
            claim = Claim(
                number_of(value),
                protocol=_protocol_of(record, key, reading),
                shots=_shots_of(record, reading),
                split=reading.split,
            )
        except ValueError as error:
            gathering.refuse(line, content, f"{key}: {error}")
            continue
        metric = key.removeprefix(PROBE)
        benchmark = BenchmarkDescription(
            reading.suite or SUITE, dataset, metric, higher_is_better=True, low=0.0, high=1.0
        )
        gathering.add(FoundClaim(line, name, benchmark, claim, content))


def _name_of(record: Record) -> str | None:
    model, weights = word_of(record.get("model")), word_of(record.get("pretrained"))
    whole = word_of(record.get("model_fullname"))
    return whole or (f"{model} {weights}" if model and weights else model)


def _protocol_of(record: Record, metric: str, reading: Reading) -> str:
    task = word_of(record.get("task"))
    if task is None:
        if not metric.startswith(PROBE):
            raise ValueError("it does not say whether it is zero-shot or a linear probe")
        task = "linear_probe"
    said = _PROTOCOLS.get(task, task)
    language = word_of(record.get("language"))
    words = (reading.protocol, said, language if language not in (None, "en") else None)
    return ", ".join(word for word in words if word)


def _shots_of(record: Record, reading: Reading) -> int | None:
    """Return how many examples a probe was trained on; -1 is all of them."""
    shots = record.get("fewshot_k")
    if shots is None or (isinstance(shots, str) and is_empty(shots)):
        return reading.shots
    number = number_of(shots)
    return int(number) if number >= 0 else None
