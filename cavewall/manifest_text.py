"""A manifest as people read it, and what came of adding one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cavewall.rendering import Column, counts_text, table_text

if TYPE_CHECKING:
    from cavewall.adding import Line
    from cavewall.manifest_adding import ManifestAdded
    from ingest.manifests import Manifest


def manifest_text(manifest: Manifest, columns: Sequence[Column]) -> str:
    """Return a manifest: title, checkpoints, those without a public name, items, rules, target and notes."""
    parts = [
        f"{manifest.name}: {manifest.title}",
        table_text([asdict(line) for line in manifest.checkpoints], columns),
    ]
    if manifest.unnamed:
        groups = "\n".join(
            f"  {group.count} {group.name} ({group.modality}): {group.objective}; {group.training_data}"
            for group in manifest.unnamed
        )
        parts.append(f"without a public name, described and not addable:\n{groups}")
    parts.append("\n".join(f"{word:<10}{text}" for word, text in _facts(manifest)))
    parts += [f"note: {note}" for note in (*manifest.notes, *_family_notes(manifest))]
    return "\n\n".join(part for part in parts if part)


def _facts(manifest: Manifest) -> list[tuple[str, str]]:
    facts = []
    if manifest.dataset is not None:
        items = manifest.dataset
        where = items.reference or "no public copy"
        caption = "" if items.caption_index is None else f", caption {items.caption_index}"
        facts.append(("items", f"{items.name}: {where}, {items.item_count:,} items{caption}; {items.order}"))
    for modality, rule in manifest.rules.items():
        said = [
            f"{key}={value}" for key, value in asdict(rule).items() if key != "modality" and value is not None
        ]
        facts.append((modality, f"{manifest.rule_notes[modality]} ({' '.join(said)})".strip()))
    if manifest.target is not None:
        target = asdict(manifest.target)
        note = target.pop("note")
        facts.append(("target", f"{_pairs_text(target)}{'; ' if note else ''}{note}"))
    if manifest.corpus is not None:
        corpus = manifest.corpus
        facts.append(
            ("corpus", f"{corpus.name}: {corpus.reference}, {corpus.byte_count:,} bytes; {corpus.note}")
        )
    return facts


def _family_notes(manifest: Manifest) -> list[str]:
    found = {line.family: line.notes for line in manifest.checkpoints if line.notes}
    return [f"{family}: {text}" for family, text in found.items()]


def _pairs_text(target: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={value}" for key, value in target.items())


def added_text(manifest: Manifest, done: ManifestAdded, counts: Mapping[str, int], *, is_dry: bool) -> str:
    """Return one line for each checkpoint of a manifest, then the numbers and the target."""
    text = [_line_text(line) for line in done.lines]
    text.append(f"{counts_text(counts)}   tag: {manifest.name}")
    if manifest.unnamed_count:
        text.append(f"{manifest.unnamed_count} have no public name: cavewall zoo show {manifest.name}")
    if manifest.dataset is not None:
        text.append(f"data set {manifest.dataset.name}: {done.dataset}")
        text += [f"        {line}" for line in done.dataset_hint.splitlines()]
    if done.target is not None:
        text.append(f"target {done.target}: {done.target_outcome}")
    if is_dry:
        text.append("nothing was written (--dry-run)")
    return "\n".join(text)


def _line_text(line: Line) -> str:
    if line.outcome == "failed":
        return f"failed  {line.reference}   {line.detail}\n        {line.hint}"
    size = f"  {line.parameter_count:,} parameters" if line.parameter_count is not None else ""
    detail = f"  ({line.detail})" if line.detail else ""
    return f"{line.outcome}  {line.name}  {line.reference}  {line.modality}{size}{detail}"
