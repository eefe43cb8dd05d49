"""What `trend vtab` prints: its tables, its verdicts, and what is left out. Pure."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from cavewall.rendering import NOT_APPLICABLE, Column, columns_of, plural, table_text

if TYPE_CHECKING:
    from analysis.trends.lines import BinLine, ModalityLine, VtabTrend

BAR_LETTERS = 20
PREDICTOR_WORDS = {
    "solved-min": "the smaller number of tasks solved",
    "solved-mean": "the mean number of tasks solved",
    "accuracy-min": "the smaller mean accuracy",
    "accuracy-mean": "the mean of both accuracies",
}


def _scores(*keys: str) -> list[Column]:
    return [Column(key, kind="score") for key in keys]


BIN_COLUMNS = [
    *columns_of("modality", "bin", "low", "high"),
    *(Column(key, kind="count") for key in ("checkpoints", "pairs", "missing_pairs")),
    *_scores("score", "score_se", "score_se_prh", "excess", "excess_se", "score_last", "score_last_se"),
    *_scores("chance"),
    Column("why"),
]
POINT_COLUMNS = [
    *columns_of("name", "modality", "family", "kind", "series", "step", "other"),
    Column("accuracy", kind="score"),
    Column("solved", kind="count"),
    *_scores("score", "score_se", "excess", "score_last", "chance"),
    Column("why"),
]
SHOWN_BINS = [
    Column("bin", "  solved"),
    Column("checkpoints", "n", "count"),
    Column("pairs", kind="count"),
    Column("score", "mean", "score"),
    Column("score_se", "± jackknife", "score"),
    Column("excess", kind="score"),
    Column("excess_se", "±", "score"),
    Column("score_last", "last layers", "score"),
    Column("chance", kind="score"),
    Column("bar", " "),
]
SHOWN_POINTS = [
    Column("name", "  checkpoint"),
    *columns_of("modality", "kind"),
    Column("accuracy", kind="score"),
    Column("solved", kind="count"),
    Column("score", "alignment", "score"),
    Column("score_se", "± at most", "score"),
    Column("excess", kind="score"),
    Column("score_last", "last layers", "score"),
    Column("chance", kind="score"),
]


def trend_data(trend: VtabTrend) -> dict[str, Any]:
    """Return the answer as JSON holds it: every line of it, without the SQL and the warnings beside it."""
    data = asdict(trend)
    del data["queries"], data["warnings"]
    return data


def trend_text(trend: VtabTrend, *, is_missing_listed: bool) -> str:
    """Return the answer as people read it."""
    blocks = [_head(trend)]
    for line in trend.modalities:
        rows = [_bin_row(one, trend) for one in trend.bins if one.modality == line.modality]
        count = f"{plural(line.checkpoints, 'checkpoint')} of {_families(line.families)}"
        blocks.append(
            "\n".join([f"{line.modality}, {count}", table_text(rows, SHOWN_BINS), *_verdict(line, trend)])
        )
    blocks.append("\n".join(_left_out(trend, is_missing_listed)))
    if trend.points:
        blocks.append(_points(trend))
    return "\n\n".join(blocks)


def _families(count: int) -> str:
    return "1 family" if count == 1 else f"{count:,} families"


def _head(trend: VtabTrend) -> str:
    target = trend.target
    parameters = " ".join(f"{name}={value}" for name, value in target.parameters.items())
    chance = "" if target.chance is None else f"   chance of one layer pair {target.chance:.4f}"
    return (
        f"Alignment within bins of {trend.battery} tasks solved (of {len(trend.counted)}, "
        f"at {trend.solved_at:g} x the best of {plural(len(trend.reference), 'checkpoint')})\n"
        f"{target.name}   {target.metric} {parameters}{chance}   reducer {target.reducer}"
    )


def _bin_row(line: BinLine, trend: VtabTrend) -> dict[str, Any]:
    highest = max((one.score for one in trend.bins if one.score is not None), default=0.0)
    share = line.score / highest if line.score is not None and highest > 0 else 0.0
    text = "█" * round(BAR_LETTERS * max(share, 0.0)) if line.score is not None else line.why
    return {**vars(line), "bin": f"  {line.bin}", "bar": text}


def _verdict(line: ModalityLine, trend: VtabTrend) -> list[str]:
    """Return the lines under a table: top minus bottom, what it hangs on, and pairs against pairs."""
    if line.excess_difference is None or line.p is None:
        return [f"  not judged: {line.why}"]
    how = "all arrangements" if line.is_exact else "checkpoints permuted"
    lines = [
        f"  top ({line.top}) minus bottom ({line.bottom}): excess {line.excess_difference:+.3f}, "
        f"p {line.p:.3f} (one-sided, {how}, {line.arrangements:,}); score {_signed(line.score_difference)}, "
        f"last layers {_signed(line.last_difference)}",
        f"  {_without(line)}",
    ]
    if line.mantel_r is None or line.mantel_p is None:
        return [*lines, f"  pairs: not judged, {line.mantel_why}"]
    words = PREDICTOR_WORDS[trend.predictor]
    return [
        *lines,
        f"  pairs: Mantel r {line.mantel_r:.2f}, p {line.mantel_p:.3f} (excess with {words}; "
        f"one-sided, {line.mantel_arrangements:,})",
    ]


def _signed(value: float | None) -> str:
    return NOT_APPLICABLE if value is None else f"{value:+.3f}"


def _without(line: ModalityLine) -> str:
    parts = []
    if line.without_low is not None and line.without_high is not None:
        parts.append(f"without one family {line.without_low:+.3f} to {line.without_high:+.3f}")
    if line.undecided_without:
        parts.append(f"no pair at the top or the bottom without {', '.join(line.undecided_without)}")
    parts.append(f"without untrained networks and baselines {_signed(line.without_baselines)}")
    return "; ".join(parts)


def _left_out(trend: VtabTrend, is_listed: bool) -> list[str]:
    tasks = [task for task in trend.tasks if task.left_out]
    if not tasks and not trend.left_out:
        return ["left out: nothing"]
    lines = [f"left out: {task.task}: {task.left_out}" for task in tasks]
    if is_listed:
        for one in trend.left_out:
            lacking = f": {', '.join(one.tasks)}" if one.tasks else ""
            lines.append(f"left out: {one.name} ({one.modality}) {one.reason}{lacking}")
    elif trend.left_out:
        lines.append(f"left out: {plural(len(trend.left_out), 'checkpoint')} (--missing lists them, and why)")
    return lines


def _points(trend: VtabTrend) -> str:
    groups = [
        f"  of {other} with {', '.join(names) or 'nobody'}"
        for other, names in trend.groups.items()
        if any(point.other == other for point in trend.points)
    ]
    rows = [{**vars(point), "name": f"  {point.name}"} for point in trend.points]
    rows.sort(key=lambda row: (row["modality"], -row["accuracy"]))
    chance = "" if trend.accuracy_chance is None else f", chance {trend.accuracy_chance:.3f}"
    count = len(trend.counted)
    head = f"Alignment with another modality, against mean balanced accuracy over {count} tasks{chance}"
    return "\n".join([head, *groups, table_text(rows, SHOWN_POINTS)])
