"""The results of the language model evaluation harness, `results_<date>.json`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ingest.benchmarks import UNKNOWN_VERSION, BenchmarkDescription
from ingest.score_files.claims import FoundClaim, Gathering, ParsedFile, Reading
from ingest.score_files.json_values import count_of, mapping_of, number_of, word_of
from ingest.score_files.tables import OutsideFile, parsed_json
from ingest.scores import Claim
from registry.errors import InputError

NAME = "lm-eval"
SUITE = "lm-eval"
NO_FILTER = "none"
_NOT_METRICS = frozenset({"alias", "name", "sample_len", "sample_count", ""})
_PROPORTIONS = frozenset(
    {"acc", "acc_norm", "acc_bytes", "acc_mutual_info", "exact_match", "em", "f1", "mc1", "mc2", "pass@1"}
)
_LOWER = frozenset(
    {"perplexity", "word_perplexity", "byte_perplexity", "bits_per_byte", "brier_score", "wer"}
)
_PRETRAINED = re.compile(r"(?:^|,)\s*(?:pretrained|model)=([^,]+)")
_REVISION = re.compile(r"(?:^|,)\s*revision=([^,]+)")
_FAR_FUTURE = 4e9


def read(file: OutsideFile, reading: Reading) -> ParsedFile:
    """Return the claims of one evaluation; a metric's filter is part of its protocol.

    The checkpoint is the `pretrained` of the model's arguments, with `@revision` where one was given.

    Raises:
        InputError: the file is no such result, or does not say of which model.
    """
    document = parsed_json(file)
    results = document.get("results") if isinstance(document, dict) else None
    if not isinstance(results, dict):
        raise InputError(
            f"{file.name} has no object 'results'", hint="give a results_<date>.json of the harness"
        )
    name = _model_of(document)
    if name is None:
        raise InputError(
            f"{file.name} does not say which model was evaluated",
            hint="it needs 'model_name', or 'config' with 'model_args': 'pretrained=NAME'",
        )
    gathering = Gathering(NAME)
    for line, (task, measured) in enumerate(results.items(), start=1):
        if isinstance(measured, dict):
            _read_task(gathering, line, name, task, measured, document, reading)
        else:
            gathering.refuse(line, f"{task}: {measured}", "expected an object of metrics")
        gathering.row_count += 1
    return gathering.done()


def _model_of(document: Mapping[str, Any]) -> str | None:
    arguments = mapping_of(document.get("config")).get("model_args")
    if isinstance(arguments, dict):
        name, revision = word_of(arguments.get("pretrained")), word_of(arguments.get("revision"))
    else:
        text = arguments if isinstance(arguments, str) else ""
        found, at = _PRETRAINED.search(text), _REVISION.search(text)
        name, revision = (found[1].strip() if found else None), (at[1].strip() if at else None)
    name = name or word_of(document.get("model_name"))
    return f"{name}@{revision}" if name and revision and "@" not in name else name


def _read_task(
    gathering: Gathering,
    line: int,
    name: str,
    task: str,
    measured: Mapping[str, Any],
    document: Mapping[str, Any],
    reading: Reading,
) -> None:
    for key, value in measured.items():
        metric, _, filter_name = key.partition(",")
        if metric.strip() in _NOT_METRICS or metric.endswith("_stderr"):
            continue
        content = f"{task}: {key}={value}"
        try:
            claim = Claim(
                number_of(value),
                stderr=_stderr(measured, metric, filter_name),
                item_count=_item_count(document, task),
                shots=_shots(document, task, reading),
                protocol=_protocol(filter_name, reading),
                split=reading.split,
            )
            benchmark = _benchmark(document, task, metric, reading)
        except ValueError as error:
            gathering.refuse(line, content, f"{task} {key}: {error}")
            continue
        gathering.add(FoundClaim(line, name, benchmark, claim, content, _date_of(document)))


def _stderr(measured: Mapping[str, Any], metric: str, filter_name: str) -> float | None:
    key = f"{metric}_stderr,{filter_name}" if filter_name else f"{metric}_stderr"
    value = measured.get(key)
    return None if value is None or value == "N/A" else number_of(value)


def _item_count(document: Mapping[str, Any], task: str) -> int | None:
    count = mapping_of(mapping_of(document.get("n-samples")).get(task)).get("effective")
    return None if count is None else count_of(count, "items")


def _shots(document: Mapping[str, Any], task: str, reading: Reading) -> int | None:
    shots = mapping_of(document.get("n-shot")).get(task)
    if shots is None:
        shots = mapping_of(mapping_of(document.get("configs")).get(task)).get("num_fewshot")
    return reading.shots if shots is None else count_of(shots, "examples")


def _protocol(filter_name: str, reading: Reading) -> str | None:
    said = f"filter {filter_name}" if filter_name and filter_name != NO_FILTER else None
    return ", ".join(word for word in (reading.protocol, said) if word) or None


def _benchmark(document: Mapping[str, Any], task: str, metric: str, reading: Reading) -> BenchmarkDescription:
    said = mapping_of(mapping_of(document.get("higher_is_better")).get(task)).get(metric)
    is_lower = metric in _LOWER if not isinstance(said, bool) else not said
    return BenchmarkDescription(
        reading.suite or SUITE,
        reading.columns.get(task, task),
        metric,
        version=word_of(mapping_of(document.get("versions")).get(task)) or UNKNOWN_VERSION,
        higher_is_better=not is_lower,
        low=0.0 if metric in _PROPORTIONS | _LOWER else None,
        high=1.0 if metric in _PROPORTIONS else None,
    )


def _date_of(document: Mapping[str, Any]) -> datetime | None:
    moment = document.get("date")
    if isinstance(moment, bool) or not isinstance(moment, int | float) or not 0 < moment < _FAR_FUTURE:
        return None
    return datetime.fromtimestamp(moment, UTC)
