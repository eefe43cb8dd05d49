"""The formats of files of scores: what each looks like, who says what it holds, and which one a file has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ingest.score_files import clip_benchmark, lm_eval, long, timm_results, vtab, wide
from ingest.score_files.claims import ParsedFile, Reading
from ingest.score_files.tables import TABLE_SUFFIXES, OutsideFile, parsed_json, raw_rows, read_table
from registry.errors import InputError, UsageError
from registry.lookup import nearest
from registry.tables.scores import SourceKind

Reader = Callable[[OutsideFile, Reading], ParsedFile]


@dataclass(frozen=True)
class Format:
    """A format: what a line for people says of it, and more; who says its scores where nobody is named."""

    name: str
    shape: str
    about: str
    reader: Reader
    default_source: str | None = None
    source_kind: SourceKind | None = None
    names: tuple[str, ...] = ()


FORMATS = {
    known.name: known
    for known in (
        Format(
            timm_results.NAME,
            ",".join(timm_results.NEEDED),
            "The test set is --protocol, else results-NAME.csv. Percent. Image size, crop and interpolation "
            "are part of the protocol.",
            timm_results.read,
            "timm results",
            "harness run",
            timm_results.NEEDED,
        ),
        Format(
            lm_eval.NAME,
            'results_<date>.json: results[task]["metric,filter"], _stderr, n-shot, versions',
            "The checkpoint is model_args' pretrained=NAME, with @REVISION where one was given. A filter is "
            "part of the protocol.",
            lm_eval.read,
            "lm-evaluation-harness",
            "harness run",
        ),
        Format(
            clip_benchmark.NAME,
            "CSV or JSON: dataset ('vtab/…'), model, pretrained, task, acc1, …; lp_acc1 is a linear probe",
            "A checkpoint is called 'MODEL PRETRAINED'. Fractions. Zero-shot or linear probe is the "
            "protocol.",
            clip_benchmark.read,
            "CLIP benchmark",
            "harness run",
            clip_benchmark.METRICS,
        ),
        Format(
            vtab.NAME,
            "the table with 3 header rows, or model and columns of VTAB's 19 tasks",
            "Percent. Needs --source. A fraction among percentages is refused, never converted.",
            vtab.read,
            None,
            "paper",
            vtab.TASKS,
        ),
        Format(
            wide.NAME,
            "CSV, TSV, JSON lines or Parquet: model, then one column for each task",
            "Needs --source. Columns of parameters, tokens and FLOPs are facts: a row that they contradict "
            "is refused. Rename by --map COLUMN=[SUITE/]TASK[:METRIC].",
            wide.read,
            names=wide.ROLES,
        ),
        Format(
            long.NAME,
            "CSV, TSV, JSON lines or Parquet: model,benchmark,value"
            "[,metric,stderr,shots,items,protocol,split,version]",
            "Needs --source. A benchmark is SUITE/TASK, or a task of --suite. Rename by --map COLUMN=NAME.",
            long.read,
            names=long.KNOWN,
        ),
    )
}


def find_format(name: str) -> Format:
    """Return the format of a name.

    Raises:
        UsageError: there is none.
    """
    if name not in FORMATS:
        raise UsageError(
            f"no format '{name}'", hint=nearest(name, FORMATS) or f"known are {', '.join(FORMATS)}"
        )
    return FORMATS[name]


def read_scores(file: OutsideFile, format_name: str | None, reading: Reading) -> ParsedFile:
    """Return what a file of scores claims, in the format that is named or that its structure shows.

    Raises:
        InputError: it has another format, or none that is known.
        UsageError: the user speaks of a column that is not there.
    """
    return find_format(format_name or guessed_format(file, reading)).reader(file, reading)


def guessed_format(file: OutsideFile, reading: Reading) -> str:
    """Return the format that the structure of a file shows.

    Raises:
        InputError: none does.
    """
    if file.suffix == ".json":
        return _guessed_json(file)
    if file.suffix not in TABLE_SUFFIXES:
        raise InputError(
            f"{file.name}: no format is known for the suffix '{file.suffix}'",
            hint=f"give {', '.join(TABLE_SUFFIXES)} or .json",
        )
    if file.suffix in (".csv", ".tsv") and raw_rows(file)[0].cells[0].strip() == vtab.FIRST_CELL:
        return vtab.NAME
    names = {reading.columns.get(name, name) for name in read_table(file).columns}
    words = {name.casefold() for name in names}
    if {"model", "top1", "top1_err"} <= names:
        return timm_results.NAME
    has_name = bool({"model_fullname", "pretrained"} & names)
    if has_name and set(clip_benchmark.DATASETS) & names:
        return clip_benchmark.NAME
    if set(long.NEEDED) <= words:
        return long.NAME
    if "model" in words:
        tasks = len(names & set(vtab.TASKS))
        return vtab.NAME if tasks and 2 * tasks >= len(names) - 1 else wide.NAME
    raise InputError(
        f"{file.name}: its structure shows no known format",
        hint="say --format, and which column is the model: --map COLUMN=model",
    )


def _guessed_json(file: OutsideFile) -> str:
    document = parsed_json(file)
    if isinstance(document, dict) and isinstance(document.get("results"), dict):
        return lm_eval.NAME
    first = document[0] if isinstance(document, list) and document else document
    if isinstance(first, dict) and "dataset" in first and "model" in first:
        return clip_benchmark.NAME
    raise InputError(f"{file.name}: its structure shows no known format", hint="see: cavewall score formats")
