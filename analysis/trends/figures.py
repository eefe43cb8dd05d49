"""The two figures of `trend vtab`."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean
from typing import Any

from analysis.figures.bars import Bar
from analysis.figures.bars import bars as bars_of
from analysis.figures.scatter import Dot
from analysis.figures.scatter import scatter as scatter_of
from analysis.figures.scatter_layers import Line
from analysis.trends.lines import FAMILIES_FOR_A_FIT, BinLine, ModalityLine, PointLine, VtabTrend
from analysis.trends.members import Kind

QUESTION = "Do checkpoints that solve more tasks align more with each other?"
CROSSING_QUESTION = "Do checkpoints that are better at the tasks align more with another modality?"
KIND_NAMES: dict[Kind, str] = {
    "trained": "trained",
    "training": "a training run",
    "untrained": "untrained",
    "baseline": "raw inputs, counted words",
}


def bars(trend: VtabTrend, *, columns: int = 2) -> dict[str, Any]:
    """Return the mean alignment within each bin of tasks solved, as a Vega-Lite specification."""
    task_count = len(trend.counted)
    return bars_of(
        [_bar(line, _mean_chance(trend, line.modality)) for line in trend.bins],
        question=QUESTION,
        subtitle=[
            f"{_measured(trend)}. Tasks of {trend.battery} solved, of {task_count}: at least "
            f"{trend.solved_at:g} x the best. Bars: mean over the pairs of a bin, best pair of layers; "
            "whiskers: ± 1 standard error, by deleting one checkpoint at a time; diamonds: last layers.",
            *(_judged(line) for line in trend.modalities),
        ],
        bin_title="tasks solved",
        value_title="mean alignment",
        other_title="last layers",
        columns=columns,
    )


def scatter(trend: VtabTrend, *, columns: int = 2) -> dict[str, Any]:
    """Return alignment with another modality against mean accuracy, as a Vega-Lite specification.

    Points without a value are left out, and counted in the subtitle.

    Raises:
        ValueError: no point has a value.
    """
    drawn = [point for point in trend.points if point.score is not None]
    missing = len(trend.points) - len(drawn)
    layer_chance = trend.target.chance
    return scatter_of(
        [_dot(point, trend) for point in _in_order(drawn)],
        kinds=tuple(KIND_NAMES.values()),
        question=CROSSING_QUESTION,
        subtitle=[
            f"{_measured(trend)}. Alignment: mean over a fixed group of trained checkpoints of the other "
            "modality, best pair of layers; whiskers: ± 1 standard error over items, at most.",
            *([f"{missing} of {len(trend.points)} points are not drawn: no value."] if missing else []),
            *_too_few(trend),
        ],
        x_title=f"mean balanced accuracy over {len(trend.counted)} tasks of {trend.battery}",
        y_title="mean alignment with the other modality",
        chance_words="chance, best layer pair" if trend.target.reducer == "max" else "chance",
        across=None
        if layer_chance is None
        else Line(layer_chance, f"chance, one layer pair {layer_chance:.3f}"),
        upright=None
        if trend.accuracy_chance is None
        else Line(trend.accuracy_chance, f"chance {trend.accuracy_chance:.2f}"),
        columns=columns,
    )


def _measured(trend: VtabTrend) -> str:
    target = trend.target
    parameters = ", ".join(f"{name} = {value}" for name, value in target.parameters.items())
    metric = target.metric.replace("_knn", "-kNN").replace("_", "-")
    words = f"{metric}, {parameters}" if parameters else metric
    return f"{target.item_count:,} items of {target.dataset}, {words}, {target.recipe}"


def _judged(line: ModalityLine) -> str:
    if line.p is None or line.excess_difference is None:
        return f"{line.modality}: not judged, {line.why}."
    mantel = "" if line.mantel_r is None else f"; over pairs r {line.mantel_r:+.2f}, p {line.mantel_p:.3f}"
    return (
        f"{line.modality}, {line.checkpoints} checkpoints of {line.families} families: excess of {line.top} "
        f"over {line.bottom} {line.excess_difference:+.3f}, p {line.p:.3f}{mantel}."
    )


def _too_few(trend: VtabTrend) -> list[str]:
    few = [line for line in trend.modalities if line.families < FAMILIES_FOR_A_FIT]
    named = ", ".join(f"{line.modality} has {line.families}" for line in few)
    return [f"No fit is claimed below {FAMILIES_FOR_A_FIT} families: {named}."] if few else []


def _mean_chance(trend: VtabTrend, modality: str) -> float | None:
    """Return the mean chance over all pairs within the bins of a modality."""
    known = [line for line in trend.bins if line.modality == modality and line.chance is not None]
    pairs = sum(line.pairs for line in known)
    return sum((line.chance or 0.0) * line.pairs for line in known) / pairs if pairs else None


def _bar(line: BinLine, chance: float | None) -> Bar:
    count = f"{line.checkpoints} checkpoint{'' if line.checkpoints == 1 else 's'}"
    pairs = f"{line.pairs} pair{'' if line.pairs == 1 else 's'}"
    return Bar(
        panel=line.modality,
        bin=line.bin,
        below=(count, pairs),
        value=line.score,
        se=line.score_se,
        other=line.score_last,
        chance=chance,
        note=line.why,
    )


def _in_order(points: Sequence[PointLine]) -> list[PointLine]:
    """Return points with those of a training run in the order of their steps."""
    return sorted(
        points, key=lambda point: (point.series or "", point.step or 0) if point.series else ("", 0)
    )


def _dot(point: PointLine, trend: VtabTrend) -> Dot:
    chances = [
        other.chance
        for other in trend.points
        if (other.modality, other.other) == (point.modality, point.other) and other.chance is not None
    ]
    group = trend.groups[point.other]
    return Dot(
        panel=f"{point.modality} with {len(group)} {point.other} checkpoint{'' if len(group) == 1 else 's'}",
        name=point.name,
        kind=KIND_NAMES[point.kind],
        x=point.accuracy,
        y=point.score or 0.0,
        y_se=point.score_se,
        chance=fmean(chances) if chances else None,
        trail=point.series or "",
        note=f"solves {point.solved} of {len(trend.counted)}; with {', '.join(group)}",
    )
