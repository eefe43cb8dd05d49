"""What `zoo add` does: every line of a manifest on its own, then its data set and its target."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from cavewall.adding import Line, add_references
from registry.errors import NotFoundError, RegistryError

if TYPE_CHECKING:
    from cavewall.progress import Report
    from ingest.extraction import Rule
    from ingest.manifests import Listed, Manifest
    from registry.handle import Registry

OFFLINE = "HF_HUB_OFFLINE"


@dataclass(frozen=True)
class ManifestAdded:
    """What adding a manifest did.

    `dataset` is what became of its data set: `added`, `unchanged`, or why it is not there, and then
    `dataset_hint` is the way out and `target` is None.
    """

    lines: list[Line]
    has_items: bool
    dataset: str
    dataset_hint: str
    target: str | None
    target_outcome: str | None

    @property
    def floating_count(self) -> int:
        """Return how many checkpoints have a revision that is not known here."""
        return sum(line.is_floating for line in self.lines)


@contextmanager
def hub_not_asked(*, is_wanted: bool) -> Iterator[None]:
    """Keep the hub's client from asking while the block runs: only the local cache counts."""
    before = os.environ.get(OFFLINE)
    if is_wanted:
        os.environ[OFFLINE] = "1"
    try:
        yield
    finally:
        if is_wanted and before is None:
            del os.environ[OFFLINE]
        elif before is not None:
            os.environ[OFFLINE] = before


def add_manifest(
    registry: Registry, manifest: Manifest, listed: Sequence[Listed], report: Report, *, is_dry: bool
) -> ManifestAdded:
    """Register checkpoints of a manifest under its name as tag, its data set if it can be had, its target.

    Args:
        registry: where.
        manifest: what lists them.
        listed: those to register.
        report: told how many of how many are done.
        is_dry: whether the data set is not read, which may mean to download it.

    Raises:
        RegistryError: the target conflicts with what is registered; the checkpoints stay.
    """
    lines = []
    for number, entry in enumerate(listed, start=1):
        lines.append(_add_line(registry, number, entry, manifest.name))
        report("register", number, len(listed))
    has_items, dataset, hint = _add_dataset(registry, manifest, is_dry=is_dry)
    target, outcome = _add_target(registry, manifest) if has_items else (None, None)
    return ManifestAdded(lines, has_items, dataset, hint, target, outcome)


def _add_line(registry: Registry, number: int, entry: Listed, tag: str) -> Line:
    options: dict[str, Any] = {
        "name": entry.name,
        "modality": entry.modality,
        "family": entry.family,
        "objective": entry.objective,
        "training_data": entry.training_data,
        "like": entry.like,
        "seed": entry.seed,
        "tags": (tag,),
        "attributes": {"listed_by": entry.source} | ({"note": entry.notes} if entry.notes else {}),
    }
    try:
        (line,) = add_references(registry, [(number, entry.reference)], options)
    except RegistryError as error:
        return Line("failed", number, None, entry.reference, detail=error.message, hint=error.hint)
    return replace(line, number=number)


def _add_dataset(registry: Registry, manifest: Manifest, *, is_dry: bool) -> tuple[bool, str, str]:
    """Register the items of a manifest; return whether they are there, what became of them, and a hint."""
    from ingest.datasets import Origin, add_dataset
    from ingest.items_from_columns import Choice
    from ingest.items_from_sources import items_from

    wanted = manifest.dataset
    if wanted is None or _has_dataset(registry, wanted.name):
        return wanted is not None, "" if wanted is None else "unchanged", ""
    if wanted.reference is None:
        hint = f"cavewall dataset add {wanted.name} --from FOLDER, then: cavewall zoo add {manifest.name}"
        return False, "nothing says where its items are", hint
    if is_dry:
        return False, f"would be read from {wanted.reference}", ""
    try:
        read = items_from(wanted.reference, Choice(limit=wanted.item_count))
        origin = Origin(revision=read.revision)
        done = add_dataset(registry, wanted.name, read.items, credit=read.credit, origin=origin)
    except RegistryError as error:
        by_hand = f"cavewall dataset add {wanted.name} --from {wanted.reference} --n {wanted.item_count}"
        return False, error.message, f"{error.hint}\nby hand: {by_hand}"
    return True, done.outcome, ""


def _has_dataset(registry: Registry, name: str) -> bool:
    from registry.lookup import find_dataset

    with registry.read() as session:
        try:
            find_dataset(session, name)
        except NotFoundError:
            return False
    return True


def _add_target(registry: Registry, manifest: Manifest) -> tuple[str | None, str | None]:
    from compute.targets import TargetRule, add_target
    from ingest.extraction import ensure_extraction

    asked = manifest.target
    if asked is None or manifest.dataset is None:
        return None, None
    rule = TargetRule(asked.metric, asked.k, asked.recipe, asked.reducer, asked.pairs)  # type: ignore[arg-type]
    with registry.write() as session:
        ids = [ensure_extraction(session, wanted).id for wanted in manifest.rules.values()]
    done = add_target(registry, manifest.dataset.name, ids, rule)
    return done.name, done.outcome


def next_commands(manifest: Manifest, *, has_items: bool) -> list[str]:
    """Return the command lines that lead from the registered checkpoints to their alignments.

    Args:
        manifest: whose checkpoints they are, under its name as tag.
        has_items: whether its data set is registered.
    """
    chosen = f"tag:{manifest.name}"
    dataset = manifest.dataset
    if dataset is None:
        return [f"cavewall embed extract {chosen}", "cavewall align run"]
    again = [] if has_items else [f"cavewall zoo add {manifest.name}"]
    changes = "".join(_changes(rule) for rule in manifest.rules.values())
    commands = [
        *again,
        f"cavewall embed extract {chosen} --dataset {dataset.name}{changes}",
        "cavewall align run",
    ]
    corpus = manifest.corpus
    languages = [line.name for line in manifest.checkpoints if line.modality == "language"]
    if corpus is not None and languages:
        condition = f"modality = 'language' and list_contains(tags, '{manifest.name}')"
        question = f'"@sql:select checkpoint_id from checkpoints where {condition}"'  # noqa: S608 - printed
        commands.append(
            f"cavewall score run bpb {question} --corpus {corpus.reference} --bytes {corpus.byte_count}"
        )
    return commands


def _changes(rule: Rule) -> str:
    """Return the options that make a modality's default rule this one."""
    from dataclasses import asdict

    from ingest.extraction import default_rule

    usual = asdict(default_rule(rule.modality))
    return "".join(
        f" --rule {rule.modality}.{key}={value}" for key, value in asdict(rule).items() if value != usual[key]
    )
