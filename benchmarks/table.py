"""Rows as a table for people."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measuring import Row

HEADINGS = (
    "metric",
    "work",
    "start",
    "layers",
    "n",
    "seconds",
    "CPU s",
    "reference s/pair",
    "pairs",
    "ratio",
    "asked",
    "peer CPU s",
    "peer ratio",
    "asked",
    "MB",
    "of peak",
    "peer or note",
)


def table(rows: Sequence[Row]) -> str:
    """Return rows as lines of aligned columns; `-` is what was not measured, `!` a target that was missed."""
    lines = [HEADINGS, *(_cells(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(HEADINGS))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if i in (0, 1, 2, 16) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cells(row: Row) -> tuple[str, ...]:
    return (
        row.metric,
        row.work,
        row.start,
        str(row.layers),
        str(row.n),
        _at_most(_number(row.seconds), row.seconds, row.most_seconds),
        _number(row.cpu_seconds),
        _number(row.reference_seconds_per_pair),
        "-" if row.reference_pairs is None else f"{row.reference_pairs:,}",
        _ratio(row.ratio, row.target),
        _ratio(row.target, None),
        _number(row.peer_cpu_seconds),
        _ratio(row.peer_ratio, row.peer_target),
        _ratio(row.peer_target, None),
        _at_most(_whole(row.peak_rss_mb), row.peak_rss_mb, row.most_mb),
        "-" if row.share_of_peak is None else f"{row.share_of_peak:.0%}",
        "; ".join(part for part in (row.peer, _bounds(row), row.note) if part),
    )


def _bounds(row: Row) -> str:
    asked = (row.most_seconds, f"{row.most_seconds} s"), (row.most_mb, f"{row.most_mb} MB")
    bounds = " and ".join(text for bound, text in asked if bound is not None)
    return f"asked: at most {bounds}" if bounds else ""


def _at_most(text: str, value: float | None, most: float | None) -> str:
    return f"{text}!" if value is not None and most is not None and value > most else text


def _whole(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f}"


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if value < 10 else f"{value:,.1f}"


def _ratio(value: float | None, target: float | None) -> str:
    if value is None:
        return "-"
    text = f"{value:,.1f}" if value < 100 else f"{value:,.0f}"
    return f"{text}!" if target is not None and value < target else text
