"""What `score import` does: files of scores, one after the other, each in a transaction of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cavewall.adding import count_outcomes
from cavewall.rendering import counts_text, plural
from registry.errors import InputError, RegistryError, UsageError

if TYPE_CHECKING:
    from ingest.score_files.claims import ParsedFile, Reading
    from ingest.score_files.importing import Imported
    from ingest.score_sources import SourceDescription
    from registry.handle import Registry

GLOB = "*?["
MOST_CONFLICTS = 5
SCHEMES = {"timm-results": "timm", "lm-eval": "hf"}  # what a bare name in a file of this format is


@dataclass(frozen=True)
class ImportedFile:
    """What became of one file; `detail` is the reason where nothing came in, `notes` what its reader saw."""

    outcome: str
    file: str
    format: str | None = None
    import_id: int | None = None
    rows: int = 0
    matched: int = 0
    unmatched: int = 0
    added: int = 0
    unchanged: int = 0
    rejected: int = 0
    conflicts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    detail: str = ""

    def text(self) -> str:
        """Return the lines for people."""
        if self.outcome == "failed":
            return f"failed  {self.file}  {self.detail}"
        ignored = f", {self.unmatched:,} not in the registry (ignored)" if self.unmatched else ""
        lines = [
            f"{self.file}  {plural(self.rows, 'row')} as {self.format}: "
            f"{plural(self.matched, 'name')} matched{ignored}",
            *(f"  {note}" for note in self.notes),
            *(f"  conflict  {line}" for line in self.conflicts[:MOST_CONFLICTS]),
        ]
        if len(self.conflicts) > MOST_CONFLICTS:
            lines.append(f"  and {len(self.conflicts) - MOST_CONFLICTS:,} conflicts more")
        word = "would be added" if self.outcome == "would import" else "added"
        where = "" if self.outcome == "would import" else f"   import {self.import_id}"
        lines.append(
            f"  {word} {self.added:,}, unchanged {self.unchanged:,}, conflicts {len(self.conflicts):,}, "
            f"refused {self.rejected:,}{where}"
        )
        return "\n".join(lines)


def import_files(
    registry: Registry, patterns: Sequence[str], said: Mapping[str, Any], *, is_dry: bool
) -> list[ImportedFile]:
    """Import files of scores and return what became of each; a rehearsal writes nothing.

    Args:
        registry: where.
        patterns: paths, and globs over paths.
        said: the options of the command, by their names.
        is_dry: whether nothing may stay.

    Raises:
        RegistryError: the only file cannot be read or written, or what holds for all of them is wrong.
    """
    from ingest.score_files.name_maps import read_name_map

    paths = expanded(patterns)
    reading, source = _reading(said), _source(said)
    mapping = read_name_map(said["map_file"]) if said["map_file"] else {}
    lines = []
    for path in paths:
        try:
            lines.append(_import_one(registry, path, said, reading, source, mapping, is_dry=is_dry))
        except RegistryError as error:
            if len(paths) == 1 or isinstance(error, UsageError):
                raise
            lines.append(ImportedFile("failed", str(path), detail=error.message))
    if said["write_map"] and not is_dry:
        _write_map(registry, said["write_map"], [name for line in lines for name in line.missing])
    return lines


def expanded(patterns: Sequence[str]) -> list[Path]:
    """Return the files of some paths and globs, each once, those of a glob in the order of their names.

    Raises:
        InputError: a glob matches nothing.
    """
    import glob

    found: dict[Path, None] = {}
    for pattern in patterns:
        if Path(pattern).exists() or not any(letter in pattern for letter in GLOB):
            found[Path(pattern)] = None
            continue
        places = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute pattern
        matched = [path for path in map(Path, sorted(places)) if path.is_file()]
        if not matched:
            raise InputError(f"no file matches '{pattern}'", hint="check the path")
        found |= dict.fromkeys(matched)
    return list(found)


def column_map(given: Sequence[str]) -> dict[str, str]:
    """Return what `--map COLUMN=NAME`, given several times, says.

    Raises:
        UsageError: one of them is no such pair, or a column is mapped twice.
    """
    found: dict[str, str] = {}
    for text in given:
        column, _, name = text.rpartition("=")
        if not column.strip() or not name.strip():
            raise UsageError(f"--map '{text}' says nothing", hint="write --map COLUMN=NAME")
        if column.strip() in found:
            raise UsageError(f"the column '{column.strip()}' is mapped twice", hint="keep one --map of it")
        found[column.strip()] = name.strip()
    return found


def _reading(said: Mapping[str, Any]) -> Reading:
    from ingest.score_files.claims import Reading

    return Reading(
        protocol=said["protocol"],
        suite=said["suite"],
        metric=said["metric"],
        split=said["split"],
        shots=said["shots"],
        unit=said["unit"],
        columns=column_map(said["columns"]),
        ignored=frozenset(said["ignored"]),
    )


def _source(said: Mapping[str, Any]) -> SourceDescription | None:
    from ingest.score_sources import SourceDescription

    facts = ("source_kind", "trust", "url", "published_at")
    if said["source"] is None:
        given = next((fact for fact in facts if said[fact] is not None), None)
        if given is not None:
            raise UsageError("what is said about a source needs its name", hint="add --source NAME")
        return None
    return SourceDescription(
        said["source"],
        kind=said["source_kind"] and said["source_kind"].replace("-", " "),
        trust=said["trust"],
        url=said["url"],
        published_at=said["published_at"] and said["published_at"].replace(tzinfo=UTC),
    )


def _import_one(
    registry: Registry,
    path: Path,
    said: Mapping[str, Any],
    reading: Reading,
    source: SourceDescription | None,
    mapping: Mapping[str, str],
    *,
    is_dry: bool,
) -> ImportedFile:
    from cavewall.rehearsal import rehearsal
    from ingest.score_files.formats import read_scores
    from ingest.score_files.importing import Request, import_scores, source_of
    from ingest.score_files.tables import read_outside
    from registry.keys import sha256_of_bytes

    file = read_outside(path)
    parsed = read_scores(file, said["file_format"], reading)
    request = Request(
        path=str(path),
        sha256=sha256_of_bytes(file.data),
        parsed=parsed,
        reading=reading,
        source=source_of(parsed, source),
        mapping=mapping,
        on_conflict=said["on_conflict"],
    )
    notes = [*parsed.notes]
    with rehearsal(registry, is_dry=is_dry) as stage:
        if said["register_missing"]:
            notes.append(_register_missing(stage, parsed, mapping))
        done = import_scores(stage, request)
    if said["file_format"] is None:
        notes.insert(0, f"read as {parsed.format}, by its structure (--format says otherwise)")
    if done.twin is not None:
        notes.append(f"the same bytes as {done.twin}, which was imported before")
    return _line(path, done, notes, "would import" if is_dry else "imported")


def _register_missing(registry: Registry, parsed: ParsedFile, mapping: Mapping[str, str]) -> str:
    """Register the names of a file that are references, and return what became of them."""
    from ingest.checkpoints import add_checkpoint
    from ingest.score_files.matching import match_names

    with registry.read() as session:
        missing = match_names(session, (found.name for found in parsed.claims), mapping).missing
    scheme = SCHEMES.get(parsed.format)
    wanted = [f"{scheme}:{name}" if scheme else name for name in missing]
    outcomes: Counter[str] = Counter()
    first = ""
    for reference in wanted:
        if reference.partition(":")[0] not in SCHEMES.values():
            outcomes["skipped"] += 1
            continue
        try:
            outcomes[add_checkpoint(registry, reference).outcome] += 1
        except RegistryError as error:
            outcomes["failed"] += 1
            first = first or f"; the first failure: {error.message}"
    return f"registered: {counts_text(count_outcomes(list(outcomes.elements())))}{first}"


def _line(path: Path, done: Imported, notes: Sequence[str], outcome: str) -> ImportedFile:
    return ImportedFile(
        outcome,
        str(path),
        done.format,
        done.import_id,
        done.row_count,
        done.matched_count,
        len(done.missing),
        done.added,
        done.unchanged,
        done.rejected,
        done.conflicts,
        tuple(notes),
        (*done.missing, *done.ambiguous),
    )


def _write_map(registry: Registry, path: Path, names: Sequence[str]) -> None:
    from cavewall.console import note
    from ingest.score_files.matching import suggestions
    from ingest.score_files.name_maps import write_name_map

    with registry.read() as session:
        nearest = suggestions(session, dict.fromkeys(names))
    count = write_name_map(path, names, nearest)
    note(f"wrote {path}: {plural(count, 'name')}; fill in the column checkpoint, then --map-file {path}")
