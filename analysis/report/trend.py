"""The part of a report about tasks: do checkpoints that solve more of them align more?"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report.contents import Field, Figure, Part, Query, Sheet
from analysis.report.facts import TargetFacts
from analysis.report.wording import interval, plural, upper_first
from analysis.trends.figures import CROSSING_QUESTION, KIND_NAMES, QUESTION, bars, scatter
from analysis.trends.lines import ModalityLine, VtabTrend
from analysis.trends.vtab import vtab_trend
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry

TITLE = "Tasks and alignment"
BAR_FIELDS = (
    Field("modality", "modality"),
    Field("bin", "tasks solved"),
    Field("checkpoints", "checkpoints", "count"),
    Field("pairs", "pairs", "count"),
    Field("score", "mean score", "score"),
    Field("score_se", "standard error", "score"),
    Field("excess", "excess", "score"),
    Field("score_last", "last layers", "score"),
    Field("chance", "chance", "score"),
    Field("why", "note"),
)
POINT_FIELDS = (
    Field("name", "checkpoint"),
    Field("kind", "kind"),
    Field("modality", "modality"),
    Field("accuracy", "mean accuracy", "score"),
    Field("solved", "tasks solved", "count"),
    Field("score", "mean score across", "score"),
    Field("score_se", "standard error", "score"),
    Field("excess", "excess", "score"),
    Field("chance", "chance", "score"),
    Field("why", "note"),
)


def trend_part(registry: Registry, target: TargetFacts | None, snapshot: int) -> Part:
    """Return the trend over a battery of tasks, or a sentence that says what it lacks.

    Args:
        registry: whose snapshot is read.
        target: the matrix of pairs; None where there is none.
        snapshot: its number.
    """
    if target is None:
        return Part("tasks", TITLE, ("No alignment is wanted yet, so there is no trend to show.",))
    try:
        trend = vtab_trend(registry, target=target.name, snapshot=snapshot)
    except (NotFoundError, UsageError) as error:
        return Part(
            "tasks", TITLE, (f"There is no trend to show: {error.message}. {upper_first(error.hint)}.",)
        )
    queries = tuple(Query(name, sql) for name, sql in trend.queries.items())
    notes = tuple(f"{upper_first(warning)}." for warning in trend.warnings)
    return Part("tasks", TITLE, _sentences(trend), tuple(_figures(trend, queries)), notes)


def _figures(trend: VtabTrend, queries: tuple[Query, ...]) -> list[Figure]:
    caption = f"{trend.battery}: {plural(len(trend.counted), 'task')} that count, {trend.target.name}."
    figures = []
    if trend.bins:
        rows = tuple(vars(line) for line in trend.bins)
        said = (
            "Bars: mean over the pairs of a bin, with the standard error by deleting one checkpoint at a "
            "time; diamonds: the same of the last layers; dashed: chance of these pairs."
        )
        spec = _with_whole_tips(bars(trend))
        figures.append(
            Figure("trend", QUESTION, f"{said} {caption}", spec, _sheet(BAR_FIELDS, rows), queries)
        )
    drawn = [point for point in trend.points if point.score is not None]
    if drawn:
        rows = tuple({**vars(point), "kind": KIND_NAMES[point.kind]} for point in drawn)
        said = (
            "Each point is a checkpoint: its mean alignment with a fixed group of the other modality against "
            "its mean accuracy. Dashed: chance."
        )
        spec = _with_whole_tips(scatter(trend))
        figures.append(
            Figure(
                "trend-scatter",
                CROSSING_QUESTION,
                f"{said} {caption}",
                spec,
                _sheet(POINT_FIELDS, rows),
                queries,
            )
        )
    return figures


def _sheet(fields: Sequence[Field], rows: Sequence[Mapping[str, Any]]) -> Sheet:
    used = tuple(field for field in fields if any(row.get(field.key) not in (None, "") for row in rows))
    return Sheet(used, tuple(rows))


def _sentences(trend: VtabTrend) -> tuple[str, ...]:
    found = [_judged(line) for line in trend.modalities]
    dropped = [task.task for task in trend.tasks if task.left_out]
    if dropped:
        found.append(f"Tasks that do not count: {', '.join(dropped)}.")
    if trend.left_out:
        who = "; ".join(f"{line.name} ({line.reason})" for line in trend.left_out)
        found.append(f"Left out: {who}.")
    return tuple(found)


def _judged(line: ModalityLine) -> str:
    """Return what a modality's checkpoints say, with all that its verdict rests on."""
    who = f"{upper_first(line.modality)}, {plural(line.checkpoints, 'checkpoint')}"
    if line.excess_difference is None or line.p is None:
        return f"{who}: not judged, {line.why}."
    text = (
        f"{who} of {plural(line.families, 'family', 'families')}: pairs of those that solve {line.top} tasks "
        f"exceed pairs of those that solve {line.bottom} by {line.excess_difference:+.3f} of score above "
        f"chance, p {line.p:.3f}"
    )
    if line.without_low is not None and line.without_high is not None:
        text += f"; with each family left out {interval(line.without_low, line.without_high)}"
    if line.mantel_r is not None and line.mantel_p is not None:
        text += f"; over pairs r {line.mantel_r:+.2f}, p {line.mantel_p:.3f}"
    return f"{text}."


def _with_whole_tips(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return a specification whose marks are described by all that their tooltip says."""
    changed = copy.deepcopy(dict(spec))
    for layer in changed.get("spec", changed).get("layer", []):
        if layer.get("name") == "rows":
            layer["encoding"].pop("description", None)
    return changed
