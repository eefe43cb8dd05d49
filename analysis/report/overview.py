"""The first page of a report: what the zoo holds, and what it answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from analysis.report.contents import Field, Sheet, Term
from analysis.report.facts import KINDS, CheckpointFacts, TargetFacts
from analysis.report.questions import Questions
from analysis.report.wording import listed, plural, things

TARGET_FIELDS = (
    Field("name", "matrix of pairs"),
    Field("measure", "metric"),
    Field("recipe", "recipe"),
    Field("pair_count", "pairs", "count"),
    Field("fresh", "computed"),
    Field("calibrated", "calibrated"),
    Field("draws", "shuffles", "count"),
    Field("null_scheme", "shuffled"),
    Field("chance", "chance", "score"),
)


def moment(value: datetime) -> str:
    """Return a time of UTC, to the minute."""
    return f"{value:%Y-%m-%d %H:%M} UTC"


def zoo_facts(
    questions: Questions,
    checkpoints: Sequence[CheckpointFacts],
    targets: Sequence[TargetFacts],
    runs: Sequence[Mapping[str, Any]],
) -> tuple[Term, ...]:
    """Return what the zoo is, as pairs of a heading and a value.

    Args:
        questions: the snapshot.
        checkpoints: those in use.
        targets: the matrices of pairs.
        runs: the newest run, if there is one.
    """
    modalities = Counter(checkpoint.modality for checkpoint in checkpoints)
    kinds = listed([f"{count:,} given {things(name)}" for name, count in sorted(modalities.items())])
    facts = [Term("checkpoints", f"{len(checkpoints):,}" + (f": {kinds}" if kinds else ""))]
    for target in {target.dataset_id: target for target in targets}.values():
        facts.append(
            Term("data set", f"{target.dataset}, {plural(target.item_count, 'item')}, {target.revision}")
        )
        facts.append(Term("its licence", target.licence or "not stated on its own: see its credit"))
        facts.append(Term("its credit", target.credit or "not stated"))
    facts.append(Term("snapshot", f"{questions.snapshot} of {moment(questions.snapshot_at)}"))
    for run in runs:
        facts.append(
            Term("last run", f"run {run['run_id']}: {run['kind']}, {run['status']}, on {run['device']}")
        )
    return tuple(facts)


def kinds_sheet(checkpoints: Sequence[CheckpointFacts]) -> Sheet:
    """Return how many checkpoints there are of each kind and modality."""
    modalities = sorted({checkpoint.modality for checkpoint in checkpoints})
    counts = Counter((checkpoint.kind, checkpoint.modality) for checkpoint in checkpoints)
    rows = [
        {"kind": words, **{name: counts[kind, name] for name in modalities}}
        for kind, words in KINDS.items()
        if any(counts[kind, name] for name in modalities)
    ]
    fields = (Field("kind", "kind"), *(Field(name, f"given {things(name)}", "count") for name in modalities))
    return Sheet(fields, tuple(rows))


def targets_sheet(targets: Sequence[TargetFacts]) -> Sheet:
    """Return how far each matrix of pairs is."""
    rows = tuple(
        {
            **vars(target),
            "measure": target.short_measure,
            "fresh": _share(target.fresh_count, target.pair_count),
            "calibrated": _share(target.calibrated_count, target.pair_count),
        }
        for target in targets
    )
    is_plain = all(target.null_scheme == "items" for target in targets)
    fields = tuple(field for field in TARGET_FIELDS if field.key != "null_scheme" or not is_plain)
    return Sheet(fields, rows)


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "no pair"
