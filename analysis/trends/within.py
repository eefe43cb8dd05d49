"""The checkpoints of one modality among each other: their bins, and whether the top aligns more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from analysis.trends.bins import Bin, mean_over_pairs
from analysis.trends.contrasts import contrast, difference_of_means
from analysis.trends.lines import BinLine, ModalityLine, Predictor
from analysis.trends.mantel import mantel
from analysis.trends.members import Member, PairTable
from analysis.trends.participants import Participants

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Panel:
    """The checkpoints of one modality that take part.

    Attributes:
        modality: what they read.
        table: their pairs, in the order of all that follows.
        counts: `(n,)` how many tasks each solves.
        accuracy: `(n,)` mean accuracy of each.
        placed: `(n,)` position of each one's bin.
        bins: all bins.
    """

    modality: str
    table: PairTable
    counts: NDArray[np.int64]
    accuracy: Floats
    placed: NDArray[np.int64]
    bins: tuple[Bin, ...]

    @classmethod
    def of(
        cls,
        modality: str,
        taking_part: Participants,
        everybody: PairTable,
        placed: NDArray[np.int64],
        bins: Sequence[Bin],
    ) -> Panel:
        """Return the panel of a modality, cut out of the pairs of everybody."""
        chosen = [i for i, member in enumerate(taking_part.members) if member.modality == modality]
        places = {member.checkpoint_id: index for index, member in enumerate(everybody.members)}
        table = everybody.only([places[taking_part.members[i].checkpoint_id] for i in chosen])
        solving = taking_part.solving
        return cls(
            modality, table, solving.counts[chosen], solving.accuracy[chosen], placed[chosen], tuple(bins)
        )

    @property
    def members(self) -> tuple[Member, ...]:
        """Return the checkpoints."""
        return self.table.members

    @property
    def families(self) -> list[str]:
        """Return the family of each."""
        return [member.family for member in self.members]

    @property
    def is_calibrated(self) -> bool:
        """Return whether every pair that has a score has its null."""
        scores, excess = self.table.matrices["score"], self.table.matrices["excess"]
        return not (np.isnan(excess) & ~np.isnan(scores)).any()

    def sides(self) -> tuple[int, int] | None:
        """Return the highest and the lowest bin that have a pair; None unless they are two."""
        with_pairs = [
            index
            for index in range(len(self.bins))
            if mean_over_pairs(_inside(self, "score", index)).pairs > 0
        ]
        return (with_pairs[-1], with_pairs[0]) if len(with_pairs) > 1 else None


def _inside(panel: Panel, measure: str, index: int) -> Floats:
    positions = np.flatnonzero(panel.placed == index).tolist()
    return panel.table.block(positions, positions, measure)


def bin_lines(panel: Panel) -> list[BinLine]:
    """Return the mean alignment within every bin, the empty ones too."""
    return [_bin_line(panel, index) for index in range(len(panel.bins))]


def _bin_line(panel: Panel, index: int) -> BinLine:
    score, last, excess, null = (
        mean_over_pairs(_inside(panel, measure, index))
        for measure in ("score", "score_last", "excess", "null_mean")
    )
    one, count = panel.bins[index], int((panel.placed == index).sum())
    is_calibrated, has_last = excess.pairs == score.pairs, last.pairs == score.pairs
    why = []
    if count < 2 or not score.pairs:
        why.append(("no checkpoint", "one checkpoint has no pair")[count] if count < 2 else "not computed")
    elif score.se is None:
        why.append("no standard error: without one of them no pair is left")
    if not is_calibrated:
        why.append(f"{score.pairs - excess.pairs} of {score.pairs} pairs have no null yet")
    return BinLine(
        modality=panel.modality,
        bin=one.label,
        low=one.low,
        high=one.high,
        checkpoints=count,
        pairs=score.pairs,
        missing_pairs=count * (count - 1) // 2 - score.pairs,
        score=score.value,
        score_se=score.se,
        score_se_prh=score.se_prh,
        excess=excess.value if is_calibrated else None,
        excess_se=excess.se if is_calibrated else None,
        score_last=last.value if has_last else None,
        score_last_se=last.se if has_last else None,
        chance=null.value if is_calibrated else None,
        why="; ".join(why),
    )


def modality_line(panel: Panel, predictor: Predictor, key: str) -> ModalityLine:
    """Return how top and bottom differ, and how pairs go with competence.

    Both are judged on the excess over chance, and not at all before every pair has its null.

    Args:
        panel: the checkpoints.
        predictor: what the correlation over pairs correlates with.
        key: what random arrangements depend on, with the modality.
    """
    line = ModalityLine(panel.modality, len(panel.members), len(set(panel.families)))
    line = _with_contrast(line, panel, f"{key}/{panel.modality}/contrast")
    return _with_mantel(line, panel, predictor, f"{key}/{panel.modality}/mantel")


def _with_contrast(line: ModalityLine, panel: Panel, key: str) -> ModalityLine:
    sides = panel.sides()
    if sides is None:
        return replace(line, why="fewer than two bins have a pair")
    top, bottom = sides
    signs = (panel.placed == top).astype(np.int64) - (panel.placed == bottom).astype(np.int64)
    matrices = panel.table.matrices
    line = replace(
        line,
        top=panel.bins[top].label,
        bottom=panel.bins[bottom].label,
        score_difference=difference_of_means(matrices["score"], signs),
        last_difference=difference_of_means(matrices["score_last"], signs),
    )
    found = contrast(matrices["excess"], signs, panel.families, key=key) if panel.is_calibrated else None
    if found is None:
        return replace(line, why="not every pair has its null")
    is_baseline = np.array([member.kind in ("untrained", "baseline") for member in panel.members])
    values = [value for value in found.without.values() if value is not None]
    return replace(
        line,
        excess_difference=found.difference,
        p=found.p,
        arrangements=found.arrangements,
        is_exact=found.is_exact,
        without_low=min(values, default=None),
        without_high=max(values, default=None),
        undecided_without=tuple(name for name, value in found.without.items() if value is None),
        without_baselines=difference_of_means(matrices["excess"], np.where(is_baseline, 0, signs)),
    )


def _with_mantel(line: ModalityLine, panel: Panel, predictor: Predictor, key: str) -> ModalityLine:
    if not panel.is_calibrated:
        return replace(line, mantel_why="not every pair has its null")
    what, joining = predictor.split("-")
    competence = panel.counts.astype(np.float64) if what == "solved" else panel.accuracy
    found = mantel(
        panel.table.matrices["excess"], competence, joining="min" if joining == "min" else "mean", key=key
    )
    if found is None:
        return replace(line, mantel_why="fewer than three pairs, or pairs that do not differ")
    return replace(line, mantel_r=found.r, mantel_p=found.p, mantel_arrangements=found.arrangements)
