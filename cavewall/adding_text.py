"""What registering checkpoints did, as people read it: a line for each, or one for a whole series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cavewall.adding import Line
from cavewall.invocation import current_invocation
from cavewall.rendering import counts_text, plural

DONE = ("added", "changed", "unchanged")


def added_text(lines: Sequence[Line], counts: Mapping[str, int], *, series: str | None, dry_run: bool) -> str:
    """Return what became of some references, the failed ones with the way out, then the numbers."""
    is_series = series is not None and len(lines) > 1
    text = series_text(lines, str(series)) if is_series else [line_text(line) for line in lines if line.name]
    for line in lines:
        if line.outcome == "failed":
            text.append(f"failed  line {line.number}  {line.reference}   {line.detail}")
            text += [f"        {hint}" for hint in line.hint.splitlines()]
    if len(lines) > 1 and not is_series:
        text.append(counts_text(counts))
    if dry_run:
        text.append("nothing was written (--dry-run)")
    return "\n".join(text)


def series_text(lines: Sequence[Line], series: str) -> list[str]:
    """Return one line for the points of a series; below it, those of which there is more to say."""
    is_verbose = current_invocation().verbosity > 0
    by_outcome = {
        word: [line for line in lines if line.outcome == word] for word in (*DONE, "skipped", "failed")
    }
    word = next((word for word in DONE if by_outcome[word]), None)
    text = []
    if word is not None:
        points = by_outcome[word]
        others = [
            f"{len(by_outcome[other]):,} {other}" for other in DONE if other != word and by_outcome[other]
        ]
        if floating := sum(line.is_floating for line in lines):
            others.append(f"{floating:,} floating: not in the local cache, and the hub cannot be asked")
        others += _left_out(by_outcome["skipped"], by_outcome["failed"], is_verbose=is_verbose)
        note = f"   ({'; '.join(others)})" if others else ""
        text.append(f"{word}  series {series}: {plural(len(points), 'checkpoint')}, {_steps(points)}{note}")
    for line in lines:
        if line.name and (is_verbose or line.outcome == "changed" or line.equals):
            text.append(line_text(line))
        elif line.outcome == "skipped" and is_verbose:
            text.append(f"skipped  {line.reference}  ({line.detail})")
    return text


def _left_out(skipped: Sequence[Line], failed: Sequence[Line], *, is_verbose: bool) -> list[str]:
    parts = []
    if skipped:
        are_files = all(line.reference.startswith("path:") for line in skipped)
        why = "" if is_verbose else ", use -v to see why"
        parts.append(f"{plural(len(skipped), 'file' if are_files else 'reference')} skipped{why}")
    return [*parts, *([f"{len(failed):,} failed"] if failed else [])]


def _steps(points: Sequence[Line]) -> str:
    steps = sorted(line.step for line in points if line.step is not None)
    return f"step {steps[0]}" if len(steps) == 1 else f"steps {steps[0]} … {steps[-1]}"


def line_text(line: Line) -> str:
    """Return what became of one reference that is registered."""
    if line.outcome == "unchanged":
        return f"unchanged  {line.name}  ({line.detail})"
    size = f"  {line.parameter_count:,} parameters" if line.parameter_count is not None else ""
    detail = f"  ({line.detail})" if line.detail else ""
    return (
        f"{line.outcome}  {line.name}  {line.reference}  {line.modality}  {line.architecture}{size}{detail}"
    )
