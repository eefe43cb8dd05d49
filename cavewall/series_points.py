"""From what was asked for to single checkpoints: patterns written out, and each with its step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from registry.errors import InputError, RegistryError, UsageError


@dataclass(frozen=True)
class Point:
    """One reference to register; `number` is the line that it came from, `step` is known for a series."""

    number: int
    reference: str
    step: int | None = None


@dataclass(frozen=True)
class Refused:
    """A line that stands for nothing, or a file without a step, with the reason."""

    number: int
    reference: str
    reason: str
    hint: str
    is_skipped: bool


@dataclass(frozen=True)
class Asked:
    """What is to be registered, and what of it is not, in the order of the lines."""

    points: list[Point]
    refused: list[Refused]


@dataclass(frozen=True)
class StepRule:
    """Where the step of a checkpoint comes from: said once, a list in the order of the files, or its name."""

    series: str | None = None
    step: int | None = None
    steps: str | None = None
    step_from: str | None = None

    @property
    def reads_names(self) -> bool:
        """Return whether names are read: asked for, or a series whose steps nothing else gives."""
        is_said = self.step is not None or self.steps is not None
        return self.step_from == "name" or (self.series is not None and not is_said)


def ask_for(lines: Sequence[tuple[int, str]], rule: StepRule) -> Asked:
    """Return the checkpoints that some lines stand for.

    Args:
        lines: line numbers and references, which may hold braces and globs.
        rule: where steps come from.

    Raises:
        UsageError: the options contradict each other, or the list of steps has another length.
        RegistryError: the only line stands for nothing, or none of the files has a step.
    """
    _check(rule)
    points: list[Point] = []
    refused: list[Refused] = []
    for number, text in lines:
        try:
            points += _points(number, text)
        except RegistryError as error:
            if len(lines) == 1:
                raise
            refused.append(Refused(number, text, error.message, error.hint, is_skipped=False))
    if rule.steps is not None:
        points = _with_steps(points, rule.steps)
    elif rule.step is not None:
        _refuse_several(points)
        points = [Point(point.number, point.reference, rule.step) for point in points]
    elif rule.reads_names:
        points, skipped = _with_names_read(points, rule)
        refused += skipped
    return Asked(points, refused)


def _check(rule: StepRule) -> None:
    given = {"--step": rule.step, "--steps": rule.steps, "--step-from": rule.step_from}
    used = [option for option, value in given.items() if value is not None]
    if len(used) > 1:
        raise UsageError(f"{' and '.join(used)} both say what the step is", hint="leave one of them out")
    if rule.series is None and used and used[0] != "--step":
        raise UsageError(f"{used[0]} needs --series", hint="add --series NAME")


def _refuse_several(points: list[Point]) -> None:
    if len(points) > 1:
        raise UsageError(
            f"--step belongs to one checkpoint, found {len(points):,} references",
            hint="leave it out; a series has --step-from name, and --steps LIST",
        )


def _points(number: int, text: str) -> list[Point]:
    from ingest.patterns import expand_reference

    return [Point(number, reference) for reference in expand_reference(text)]


def _with_steps(points: list[Point], steps: str) -> list[Point]:
    """Return points with a list of steps, `0,150,600` or `0..16000:1000`, in the order of the points."""
    from registry.expansion import expand_braces

    written = steps.strip().strip("{}")
    numbers = expand_braces("{" + written + "}") if "," in written or ".." in written else [written]
    wrong = [word for word in numbers if not (word.isascii() and word.isdigit() and len(word) < 19)]
    if wrong:
        raise UsageError(f"'{wrong[0]}' is no step", hint="write --steps 0,150,600 or --steps 0..16000:1000")
    if len(numbers) != len(points):
        raise UsageError(
            f"--steps has {len(numbers):,} steps, the references stand for {len(points):,} checkpoints",
            hint="give as many, in the same order; --dry-run shows it",
        )
    return [
        Point(point.number, point.reference, int(step)) for point, step in zip(points, numbers, strict=True)
    ]


def _with_names_read(points: list[Point], rule: StepRule) -> tuple[list[Point], list[Refused]]:
    """Return the points whose names have a step, in order of their steps, and the others with the reason."""
    from ingest.references import parse_reference
    from ingest.steps import step_of

    read: list[tuple[int, Point]] = []
    skipped: list[Refused] = []
    for point in points:
        try:
            step = step_of(parse_reference(point.reference))
        except RegistryError as error:
            is_skipped = isinstance(error, InputError)
            skipped.append(Refused(point.number, point.reference, error.message, error.hint, is_skipped))
        else:
            read.append((step, Point(point.number, point.reference, step)))
    if skipped and not read:
        first = skipped[0]
        if len(skipped) == 1:
            raise UsageError(
                f"a point of the series {rule.series} needs its step: {first.reason}", hint="add --step N"
            )
        raise InputError(
            f"series {rule.series}: none of {len(skipped):,} names has a step, the first is {first.reason}",
            hint=first.hint,
        )
    return [point for _, point in sorted(read, key=lambda pair: pair[0])], skipped
