"""The one way in for the items of a data set: whatever a source is, its form is told or said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ingest.items_from_columns import Choice
from ingest.items_from_files import items_from_files
from ingest.items_from_folders import (
    FILE_NAME,
    METADATA,
    choice_for_folder,
    metadata_of,
    open_folder,
    open_metadata,
)
from ingest.items_from_hub import PREFIX, find_files, open_all, parse_hub_dataset
from ingest.items_from_npz import open_npz
from ingest.items_from_tables import items_of_table
from ingest.plain_messages import plain_refusals
from ingest.table_files import FORMATS, FileTable, open_table
from registry.errors import InputError, UsageError
from registry.items import Items
from registry.lookup import nearest


@dataclass(frozen=True)
class SourceForm:
    """A form of source: its name, how it is told, and what it must hold."""

    name: str
    told_by: str
    holds: str


FORMS = (
    SourceForm("folder", "a folder", "pictures, also in folders below; id: path without suffix"),
    SourceForm(
        "imagefolder",
        "a folder with metadata.csv, .jsonl or .parquet",
        "pictures, and a column file_name beside texts and covariates",
    ),
    SourceForm("csv", ".csv", "columns parted by commas, named in the first line, in UTF-8"),
    SourceForm("tsv", ".tsv", "columns parted by tabs, named in the first line, in UTF-8"),
    SourceForm("jsonl", ".jsonl, .ndjson", "one object a line; a list of texts has several captions"),
    SourceForm("parquet", ".parquet", "columns; pictures as bytes or as {bytes, path}"),
    SourceForm("npz", ".npz", "arrays of one length, never pickled; pictures as uint8 (n, h, w, 3)"),
    SourceForm("hf", "hf:ID@REVISION[:SPLIT]", "Parquet, imagefolder or tables of a data set of the hub"),
)


@dataclass(frozen=True)
class SourcedItems:
    """The items of a source, with where they are from.

    Attributes:
        items: in their order.
        notes: what a reader wants to know about them.
        revision: the commit of the hub, or None.
        credit: the repository of the hub, or None.
    """

    items: Items
    notes: tuple[str, ...] = ()
    revision: str | None = None
    credit: str | None = None


@plain_refusals()
def items_from_source(source: str, choice: Choice | None = None, *, form: str | None = None) -> SourcedItems:
    """Return the items of a source.

    Args:
        source: a file, a folder, or `hf:ID@REVISION:SPLIT`.
        choice: which columns, which items, in which order.
        form: the name of one of `FORMS`; told by the source itself where it is None.

    Raises:
        InputError: the source is missing or broken, or does not hold what was chosen.
        UsageError: its form is not known, or a choice contradicts itself.
    """
    choice = choice or Choice()
    chosen = form_of(source) if form is None else _known(form)
    if chosen == "hf":
        return _items_of_the_hub(source, choice)
    if chosen == "folder":
        choice = choice_for_folder(choice)
    table, notes = _open(Path(source).expanduser(), chosen)
    read = items_of_table(table, choice)
    return SourcedItems(read.items, (*notes, *read.notes))


def _known(form: str) -> str:
    names = [known.name for known in FORMS]
    if form not in names:
        raise UsageError(
            f"no form '{form}' of a source", hint=nearest(form, names) or f"known are {', '.join(names)}"
        )
    return form


def _open(path: Path, form: str) -> tuple[FileTable, list[str]]:
    if form == "folder":
        return open_folder(path), []
    if form == "npz":
        return open_npz(path), []
    if form != "imagefolder":
        return open_table(path, form), []
    metadata = path if path.is_file() else metadata_of(path)
    if metadata is None:
        raise InputError(
            f"{path} has no {', '.join(METADATA)}", hint="leave --as out for a plain folder of pictures"
        )
    return open_metadata(metadata)


@plain_refusals()
def items_from(
    source: str | Path | None = None,
    choice: Choice | None = None,
    *,
    pictures: Path | None = None,
    texts: Path | None = None,
    form: str | None = None,
) -> SourcedItems:
    """Return the items of a source, or of a folder of pictures and a table of texts.

    Args:
        source: as `items_from_source` takes it; None where pictures or texts are given.
        choice: which columns and items; without a source only `group` has a meaning.
        pictures: a folder.
        texts: a table with the columns `id` and `text`.
        form: what the source is.

    Raises:
        UsageError: both a source and pictures or texts are given, or a choice has no meaning.
        InputError: what is given is missing or broken.
    """
    chosen = choice or Choice()
    if source is None:
        if form is not None or replace(chosen, group=None) != Choice():
            raise UsageError(
                "columns, order and number of items are chosen from a source",
                hint="give the table or the folder with --from",
            )
        return SourcedItems(items_from_files(pictures, texts, groups=chosen.group))
    if pictures is not None or texts is not None:
        raise UsageError(
            "a data set has one source: found --from beside --pictures or --texts",
            hint="name the column of pictures in the table: --image-column",
        )
    return items_from_source(str(source), chosen, form=form)


def form_of(source: str) -> str:
    """Return the form of a source, told by its prefix, its kind and its suffix.

    Raises:
        InputError: there is no such file or folder.
        UsageError: nothing tells its form.
    """
    if source.startswith(PREFIX):
        return "hf"
    path = Path(source).expanduser()
    if path.is_dir():
        return "folder" if metadata_of(path) is None else "imagefolder"
    if not path.exists():
        raise InputError(f"{path}: no such file or folder", hint="check the path")
    if path.name in METADATA and FILE_NAME in open_table(path).lengths:
        return "imagefolder"
    known = {**FORMATS, ".npz": "npz"}
    if path.suffix.lower() not in known:
        raise UsageError(
            f"{path}: what it holds cannot be told from its suffix",
            hint=f"say it with --as {'|'.join(sorted(set(known.values())))}",
        )
    return known[path.suffix.lower()]


def _items_of_the_hub(source: str, choice: Choice) -> SourcedItems:
    reference = parse_hub_dataset(source)
    snapshot = find_files(reference)
    notes: list[str] = []
    if snapshot.is_image_folder:
        table, notes = open_metadata(snapshot.files[0])
    else:
        table = open_all(snapshot.files)
    read = items_of_table(table, choice)
    return SourcedItems(read.items, (*notes, *read.notes), snapshot.commit, f"{PREFIX}{reference.repository}")
