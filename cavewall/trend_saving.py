"""Save what a trend shows: its two figures, or their rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cavewall.console import note
from registry.errors import StoreError, UsageError

if TYPE_CHECKING:
    from analysis.trends.lines import VtabTrend

SUFFIXES = (".png", ".svg", ".pdf", ".html", ".csv")


def check_suffixes(given: Sequence[str]) -> list[Path]:
    """Return the paths of `--save`, before anything is computed.

    Raises:
        UsageError: a suffix says no form that a trend has.
    """
    paths = [Path(one) for one in given]
    for path in paths:
        if path.suffix.lower() not in SUFFIXES:
            raise UsageError(
                f"a trend cannot be saved as '{path.suffix}' ({path})",
                hint=f"use one of {' '.join(SUFFIXES)}",
            )
    return paths


def save_trend(trend: VtabTrend, paths: Sequence[Path]) -> None:
    """Write the bins to each path, and the points beside it with `-scatter` in the name.

    Raises:
        StoreError: a file cannot be written.
    """
    from analysis.figures.render import save
    from analysis.trends.figures import bars, scatter

    has_points = any(point.score is not None for point in trend.points)
    for path in paths:
        beside = path.with_stem(f"{path.stem}-scatter")
        if path.suffix.lower() == ".csv":
            _write_rows(path, beside, trend)
        else:
            save(bars(trend), path)
            if has_points:
                save(scatter(trend), beside)
        written = [path, beside] if has_points or path.suffix.lower() == ".csv" else [path]
        note(f"wrote {', '.join(map(str, written))}")


def _write_rows(path: Path, beside: Path, trend: VtabTrend) -> None:
    from cavewall.rendering import csv_text
    from cavewall.trend_text import BIN_COLUMNS, POINT_COLUMNS

    for target, rows, columns in ((path, trend.bins, BIN_COLUMNS), (beside, trend.points, POINT_COLUMNS)):
        text = csv_text([vars(row) for row in rows], columns)
        try:
            target.write_text(text + "\n", encoding="utf-8")
        except OSError as error:
            raise StoreError(
                f"{target} could not be written: {error.strerror}", hint="choose another folder"
            ) from error
