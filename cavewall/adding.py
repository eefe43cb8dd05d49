"""Register several references: each is independent, one that fails stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from registry.errors import PartlyDone, RegistryError, UsageError

if TYPE_CHECKING:
    from cavewall.series_points import Asked, Point
    from registry.handle import Registry


MANY = 100


@dataclass(frozen=True)
class Line:
    """What became of one reference.

    `number` is its line on stdin, `hint` the way out of a failure, `equals` the checkpoint of the same bytes.
    """

    outcome: str
    number: int
    name: str | None
    reference: str
    modality: str | None = None
    architecture: str | None = None
    parameter_count: int | None = None
    detail: str = ""
    hint: str = ""
    step: int | None = None
    equals: str | None = None
    is_floating: bool = False


def numbered(lines: Iterator[str]) -> list[tuple[int, str]]:
    """Return the references of a text with their line numbers, without empty lines and comments."""
    found = ((number, line.partition(" #")[0].strip()) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in found if line and not line.startswith("#")]


def count_new(registry: Registry, asked: Asked) -> int:
    """Return how many of some references are not registered, as far as their text says."""
    from registry.listings import list_checkpoints

    with registry.read() as session:
        known = {(line.reference, line.step) for line in list_checkpoints(session)}
    return sum((point.reference, point.step) not in known for point in asked.points)


def add_references(
    registry: Registry, references: Sequence[tuple[int, str]], options: Mapping[str, Any]
) -> list[Line]:
    """Register references and return what became of each.

    Args:
        registry: where.
        references: line numbers and references, which may hold braces and globs.
        options: what holds for all of them, as `ingest.checkpoints.add_checkpoint` takes it.

    Raises:
        UsageError: a name or a digest, which belongs to one checkpoint, was given for several.
        RegistryError: the only reference failed.
    """
    from cavewall.series_points import StepRule, ask_for

    rule = StepRule(series=options.get("series"), step=options.get("step"))
    return add_points(registry, ask_for(references, rule), options)


def add_points(registry: Registry, asked: Asked, options: Mapping[str, Any]) -> list[Line]:
    """Register what was asked for and return what became of each, by line, or by step in a series.

    Args:
        registry: where.
        asked: single references with their steps, and what was refused before.
        options: what holds for all of them, as `ingest.checkpoints.add_checkpoint` takes it.

    Raises:
        UsageError: a name or a digest, which belongs to one checkpoint, was given for several.
        RegistryError: the only reference failed.
    """
    count = len(asked.points)
    if not count and not asked.refused:
        raise UsageError("there is no reference to register", hint="see: cavewall checkpoint add --help")
    for option in ("name", "sha256"):
        if count > 1 and options.get(option) is not None:
            raise UsageError(
                f"--{option} belongs to one checkpoint, found {count} references",
                hint="leave it out",
            )
    is_alone = count == 1 and not asked.refused
    lines = [_add(registry, point, options, is_alone=is_alone) for point in asked.points]
    for line in asked.refused:
        outcome = "skipped" if line.is_skipped else "failed"
        lines.append(Line(outcome, line.number, None, line.reference, detail=line.reason, hint=line.hint))
    has_steps = any(point.step is not None for point in asked.points)
    return lines if has_steps else sorted(lines, key=lambda line: line.number)


def _add(registry: Registry, point: Point, options: Mapping[str, Any], *, is_alone: bool) -> Line:
    from ingest.checkpoints import add_checkpoint
    from registry.listings import list_checkpoints

    text = point.reference
    try:
        added = add_checkpoint(registry, text, **{**options, "step": point.step})
    except RegistryError as error:
        if is_alone:
            raise
        return Line(
            "failed", point.number, None, text, detail=error.message, hint=error.hint, step=point.step
        )
    with registry.read() as session:
        (row,) = list_checkpoints(session, checkpoint_ids=[added.checkpoint_id], with_retired=True)[:1]
    return Line(
        added.outcome,
        point.number,
        added.name,
        text,
        row.modality,
        row.architecture,
        row.parameter_count,
        added.detail,
        step=point.step,
        equals=added.equals,
        is_floating=row.is_floating,
    )


def count_outcomes(outcomes: Sequence[str]) -> dict[str, int]:
    """Return how often each outcome came, in the order in which results name them."""
    counts = Counter(outcomes)
    order = ("added", "changed", "replaced", "restored", "unchanged", "lost", "skipped", "failed")
    return {word: counts[word] for word in order if counts[word]}


def refuse_failures(counts: Mapping[str, int], what: str) -> None:
    """Raise if something failed, after the rest was committed and shown.

    Raises:
        PartlyDone: some did.
        RegistryError: all did.
    """
    failed, total = counts.get("failed", 0), sum(counts.values())
    if failed == 0:
        return
    hint = "the reasons are above; the same command again adds only what is missing"
    if failed == total:
        raise RegistryError(f"all {total} {what} failed", hint=hint)
    raise PartlyDone(f"{failed} of {total} {what} failed, the rest is committed", hint=hint)
