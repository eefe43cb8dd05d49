"""Register several references: each is independent, one that fails stops no other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from registry.errors import PartlyDone, RegistryError, UsageError

if TYPE_CHECKING:
    from registry.handle import Registry


@dataclass(frozen=True)
class Line:
    """What became of one reference; `number` is its line on stdin, `hint` the way out of a failure."""

    outcome: str
    number: int
    name: str | None
    reference: str
    modality: str | None = None
    architecture: str | None = None
    parameter_count: int | None = None
    detail: str = ""
    hint: str = ""


def numbered(lines: Iterator[str]) -> list[tuple[int, str]]:
    """Return the references of a text with their line numbers, without empty lines and comments."""
    found = ((number, line.partition(" #")[0].strip()) for number, line in enumerate(lines, start=1))
    return [(number, line) for number, line in found if line and not line.startswith("#")]


def add_references(
    registry: Registry, references: Sequence[tuple[int, str]], options: Mapping[str, Any]
) -> list[Line]:
    """Register references and return what became of each.

    Args:
        registry: where.
        references: line numbers and references.
        options: what holds for all of them, as `ingest.checkpoints.add_checkpoint` takes it.

    Raises:
        UsageError: a name, a step or a digest, which belongs to one checkpoint, was given for several.
        RegistryError: the only reference failed.
    """
    if not references:
        raise UsageError("there is no reference to register", hint="see: cavewall checkpoint add --help")
    for option in ("name", "step", "sha256"):
        if len(references) > 1 and options.get(option) is not None:
            raise UsageError(
                f"--{option} belongs to one checkpoint, found {len(references)} references",
                hint="leave it out",
            )
    return [
        _add(registry, number, text, options, is_alone=len(references) == 1) for number, text in references
    ]


def _add(registry: Registry, number: int, text: str, options: Mapping[str, Any], *, is_alone: bool) -> Line:
    from ingest.checkpoints import add_checkpoint
    from registry.listings import list_checkpoints

    try:
        added = add_checkpoint(registry, text, **options)
    except RegistryError as error:
        if is_alone:
            raise
        return Line("failed", number, None, text, detail=error.message, hint=error.hint)
    with registry.read() as session:
        (row,) = list_checkpoints(session, checkpoint_ids=[added.checkpoint_id], with_retired=True)[:1]
    return Line(
        added.outcome,
        number,
        added.name,
        text,
        row.modality,
        row.architecture,
        row.parameter_count,
        added.detail,
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
