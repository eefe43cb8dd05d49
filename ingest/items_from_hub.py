"""Data sets of the Hugging Face hub at a revision: their Parquet files, tables or folders of pictures.

Nothing of a repository is run: only files that hold data are read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from ingest.hub import find_snapshot
from ingest.items_from_folders import METADATA
from ingest.pictures import SUFFIXES
from ingest.table_files import FORMATS, FileTable, open_table
from registry.errors import InputError, UsageError
from registry.lookup import nearest

PREFIX = "hf:"
_REFERENCE = re.compile(r"hf:([\w.\-]+(?:/[\w.\-]+)?)(?:@([^:@\s]+))?(?::(\S+))?", re.ASCII)
_SHARD = re.compile(r"(.+?)-\d+(?:-of-\d+)?")
_GRAMMAR = "write hf:ID@REVISION or hf:ID@REVISION:SPLIT"
_DEFAULT_BRANCH = "main"


@dataclass(frozen=True)
class HubDataset:
    """`hf:ID@REVISION:SPLIT`: a repository of data at a branch, a tag or a commit, and one split of it."""

    repository: str
    revision: str = _DEFAULT_BRANCH
    split: str | None = None


@dataclass(frozen=True)
class Snapshot:
    """The files of one split: tables with the same columns, or the metadata of pictures, at a commit."""

    commit: str
    files: tuple[Path, ...]
    is_image_folder: bool


def parse_hub_dataset(text: str) -> HubDataset:
    """Return what a reference to a data set of the hub says.

    Raises:
        UsageError: it is none.
    """
    found = _REFERENCE.fullmatch(text)
    if found is None:
        raise UsageError(f"'{text}' is no data set of the hub", hint=_GRAMMAR)
    repository, revision, split = found.groups()
    if ".." in f"{repository}/{revision}".split("/"):
        raise UsageError(f"'{text}' is no data set of the hub", hint=_GRAMMAR)
    return HubDataset(repository, revision or _DEFAULT_BRANCH, split)


def find_files(reference: HubDataset) -> Snapshot:
    """Return the files of a split in the local cache, downloaded first where the hub can be asked.

    Raises:
        InputError: they are neither in the cache nor to be had, or hold no data of a known form.
        UsageError: there are several splits, and none was named, or not one of them.
    """
    suffixes = [f"*{suffix}" for suffix in (*FORMATS, *sorted(SUFFIXES))]
    word = "" if reference.split is None else f"*{PurePosixPath(reference.split).name}"
    patterns = [f"{word}{suffix}" for suffix in suffixes]
    name = f"{reference.repository}@{reference.revision}"
    try:
        folder = find_snapshot(reference.repository, reference.revision, patterns, kind="dataset")
    except ValueError as error:  # the client's own rules for names
        raise UsageError(f"{name} cannot be a data set of the hub: {error}", hint=_GRAMMAR) from error
    if folder is None:
        raise InputError(
            f"data set {name} is not in the local cache, and the hub cannot be asked",
            hint="run the command once with access to the hub (HF_HUB_OFFLINE unset)",
        )
    paths = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    metadata = [path for path in paths if PurePosixPath(path).name in METADATA]
    tables = [path for path in paths if path not in metadata]
    by_suffix = {suffix: [path for path in tables if path.endswith(suffix)] for suffix in FORMATS}
    for files in (by_suffix.pop(".parquet"), metadata, *by_suffix.values()):
        if files:
            return Snapshot(folder.name, _of_split(folder, files, reference), files is metadata)
    raise InputError(
        f"data set {name} has no file of a known form in the local cache",
        hint=f"known are {', '.join(FORMATS)}, and pictures with one of {', '.join(METADATA)}",
    )


def split_of(path: str) -> str:
    """Return the split of a file, `config/split` where a folder names the configuration.

    `data/train-00000-of-00002.parquet` is `train`, `en/test/0000.parquet` is `en/test`.
    """
    pure = PurePosixPath(path)
    folders = [part for part in pure.parent.parts if part != "data"]
    if pure.name in METADATA or pure.stem.isdigit():
        return "/".join(folders) or "all"
    shard = _SHARD.fullmatch(pure.stem)
    return "/".join([*folders, shard.group(1) if shard else pure.stem])


def _of_split(folder: Path, paths: Sequence[str], reference: HubDataset) -> tuple[Path, ...]:
    splits: dict[str, list[str]] = {}
    for path in paths:
        splits.setdefault(split_of(path), []).append(path)
    wanted = reference.split
    chosen = [
        split
        for split in splits
        if wanted is None or split == wanted or (split.endswith(f"/{wanted}") and wanted not in splits)
    ]
    if len(chosen) != 1:
        name = f"{reference.repository}@{reference.revision}"
        meant = "is meant" if wanted is None else f"is called '{wanted}'"
        listed = ", ".join(splits)
        raise UsageError(
            f"data set {name} has {len(splits)} splits, and not exactly one {meant}: {listed}",
            hint=nearest(wanted or "", splits) or f"write hf:{name}:{next(iter(splits))}",
        )
    return tuple(folder / path for path in splits[chosen[0]])


def open_all(paths: Sequence[Path]) -> FileTable:
    """Return several files of the same columns as one table, in their order.

    Raises:
        InputError: one cannot be read, or has other columns than the first.
    """
    tables = [open_table(path) for path in paths]
    first = tables[0]
    if len(tables) == 1:
        return first
    for table in tables[1:]:
        if set(table.names) != set(first.names):
            differing = sorted(set(table.names) ^ set(first.names))
            raise InputError(
                f"{table.source} has other columns than {first.source}: {', '.join(differing)}",
                hint="name one split, or give one file with --from",
            )

    def read(name: str, limit: int | None) -> list[Any]:
        cells: list[Any] = []
        for table in tables:
            if limit is None or len(cells) < limit:
                cells += table.reader(name, None if limit is None else limit - len(cells))
        return cells

    lengths = {name: sum(table.lengths[name] for table in tables) for name in first.names}
    plain = frozenset.intersection(*(table.plain for table in tables))
    return FileTable(f"{first.folder} ({len(tables)} files)", first.folder, lengths, plain, read)
