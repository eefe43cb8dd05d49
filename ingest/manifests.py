"""Manifests: lists of checkpoints that belong together, with their items, their rules and their target."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ingest.extraction import Rule, check_rule
from ingest.manifest_schema import (
    CHECKPOINT,
    CORPUS,
    DATASET,
    EXTRACTION,
    FAMILY,
    MANIFEST,
    TARGET,
    UNNAMED,
    checked,
)
from ingest.references import check_name, parse_reference
from registry.errors import InputError, NotFoundError, UsageError
from registry.lookup import nearest

FOLDER = Path(__file__).with_name("manifests")
SUFFIX = ".toml"


@dataclass(frozen=True)
class Listed:
    """One checkpoint of a manifest: what it is registered with, and who names it (`source`)."""

    reference: str
    name: str
    modality: str
    family: str
    objective: str
    training_data: str
    source: str
    notes: str = ""
    like: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Unnamed:
    """Checkpoints that a paper counts and describes, and that nobody can fetch."""

    name: str
    count: int
    modality: str
    objective: str
    training_data: str
    source: str
    notes: str = ""


@dataclass(frozen=True)
class Items:
    """The data set of a manifest; without a reference nothing says where its items are."""

    name: str
    item_count: int
    order: str
    reference: str | None = None
    caption_index: int | None = None


@dataclass(frozen=True)
class Pairs:
    """The target of a manifest; `note` says how it differs from what is to be reproduced."""

    metric: str
    k: int
    recipe: str
    reducer: str
    pairs: str
    note: str = ""


@dataclass(frozen=True)
class TextCorpus:
    """The text on which the language models' bits per byte are measured."""

    name: str
    reference: str
    token_count: int
    byte_count: int
    note: str = ""


@dataclass(frozen=True)
class Manifest:
    """A list of checkpoints and what is to be asked of them."""

    name: str
    title: str
    checkpoints: tuple[Listed, ...]
    unnamed: tuple[Unnamed, ...]
    rules: Mapping[str, Rule]
    rule_notes: Mapping[str, str]
    dataset: Items | None = None
    target: Pairs | None = None
    corpus: TextCorpus | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def unnamed_count(self) -> int:
        """Return how many checkpoints are described and cannot be added."""
        return sum(group.count for group in self.unnamed)

    def count(self, modality: str) -> int:
        """Return how many checkpoints of a modality there are, those without a name among them."""
        named = sum(line.modality == modality for line in self.checkpoints)
        return named + sum(group.count for group in self.unnamed if group.modality == modality)


def manifest_names() -> list[str]:
    """Return the names of the manifests that come with the program."""
    return sorted(path.stem for path in FOLDER.glob(f"*{SUFFIX}"))


def find_manifest(name: str) -> Manifest:
    """Return the manifest of a name, or that of a file of the user's, whose path ends in .toml.

    Raises:
        NotFoundError: no manifest has the name.
        InputError: the file is missing, or is no manifest.
    """
    if name.endswith(SUFFIX):
        return read_manifest(Path(name))
    known = manifest_names()
    if name not in known:
        raise NotFoundError(
            f"no manifest '{name}'",
            hint=nearest(name, known) or f"known: {', '.join(known)}; or give the path of a .toml file",
        )
    return read_manifest(FOLDER / f"{name}{SUFFIX}")


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of a file; it is called what the file is called.

    Raises:
        InputError: the file is missing, is not TOML, has a key that no manifest has, or lacks one.
        UsageError: a reference, a name or a rule means nothing.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file", hint="check the path") from error
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is no manifest: {error}", hint="see: cavewall zoo list") from error
    return manifest_of(path.stem, table)


def manifest_of(name: str, table: Mapping[str, Any]) -> Manifest:
    """Return the manifest that a TOML table holds.

    Raises:
        InputError: a key is unknown or missing, a value is of another kind, or a checkpoint is listed twice.
        UsageError: a reference, a name or a rule means nothing.
    """
    check_name(name, what="name of a manifest")
    top = checked(f"manifest {name}", table, MANIFEST)
    if not all(isinstance(note, str) for note in top.get("notes", [])):
        raise InputError(f"manifest {name}: 'notes' must be texts", hint="put each in quotes")
    lines = tuple(line for group in top.get("families", []) for line in _lines(name, group))
    _refuse_twice(name, lines)
    rules, rule_notes = _rules(name, top.get("extraction", {}))
    return Manifest(
        name=name,
        title=top["title"],
        checkpoints=lines,
        unnamed=tuple(
            Unnamed(**checked(f"manifest {name}, unnamed", group, UNNAMED))
            for group in top.get("unnamed", [])
        ),
        rules=rules,
        rule_notes=rule_notes,
        dataset=Items(**checked(f"manifest {name}, dataset", top["dataset"], DATASET))
        if "dataset" in top
        else None,
        target=Pairs(**checked(f"manifest {name}, target", top["target"], TARGET))
        if "target" in top
        else None,
        corpus=TextCorpus(**checked(f"manifest {name}, corpus", top["corpus"], CORPUS))
        if "corpus" in top
        else None,
        notes=tuple(top.get("notes", [])),
    )


def _lines(manifest: str, table: Mapping[str, Any]) -> Iterator[Listed]:
    family = checked(f"manifest {manifest}, families", table, FAMILY)
    check_name(family["name"], what="name of a family")
    shared = {key: value for key, value in family.items() if key not in ("name", "checkpoints")}
    for name, entry in family["checkpoints"].items():
        where = f"manifest {manifest}, checkpoint {name}"
        given = {"reference": entry} if isinstance(entry, str) else entry
        said = checked(where, given, CHECKPOINT)
        check_name(name)
        for word in ("reference", "like"):
            if word in said:
                parse_reference(said[word])
        yield Listed(name=name, family=family["name"], **shared, **said)


def _refuse_twice(manifest: str, lines: Sequence[Listed]) -> None:
    seen: set[tuple[str, ...]] = set()
    for line in lines:
        for mark in (("name", line.name), ("checkpoint", line.reference, str(line.like), str(line.seed))):
            if mark in seen:
                raise InputError(
                    f"manifest {manifest}: the {mark[0]} {mark[1]} is listed twice",
                    hint="leave one of them out",
                )
            seen.add(mark)


def _rules(manifest: str, table: Mapping[str, Any]) -> tuple[dict[str, Rule], dict[str, str]]:
    rules, notes = {}, {}
    for modality, entry in table.items():
        said = dict(checked(f"manifest {manifest}, extraction of {modality}", entry, EXTRACTION))
        notes[modality] = str(said.pop("note", ""))
        rules[modality] = Rule(modality=modality, **said)
        check_rule(rules[modality])
    return rules, notes


def chosen_lines(manifest: Manifest, only: str | None) -> list[Listed]:
    """Return the checkpoints of a manifest whose name, reference or family a glob matches; all for None.

    Raises:
        UsageError: it matches none.
    """
    if only is None:
        return list(manifest.checkpoints)
    found = [
        line
        for line in manifest.checkpoints
        if any(fnmatchcase(word, only) for word in (line.name, line.reference, line.family))
    ]
    if not found:
        raise UsageError(
            f"manifest {manifest.name} has no checkpoint '{only}'",
            hint=f"see: cavewall zoo show {manifest.name}; a glob goes over names, references and families",
        )
    return found
