"""What a trend knows of its checkpoints and of their pairs. Rows and arrays: nothing is read here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["trained", "training", "untrained", "baseline"]
KINDS: tuple[Kind, ...] = ("trained", "training", "untrained", "baseline")

# Every value of a pair that a trend may take a mean of.
MEASURES = ("score", "score_last", "excess", "null_mean", "score_se")


@dataclass(frozen=True)
class Member:
    """A checkpoint that a target compares.

    Attributes:
        checkpoint_id: the checkpoint.
        name: what it is called now.
        modality: what it reads.
        family: what it shares a recipe with; its own name where it shares one with nobody.
        kind: trained, training (a point of a training run), untrained (weights never trained) or baseline
            (raw inputs, counted words).
        is_trained: whether its weights come from training: neither untrained nor a baseline.
        series: the training run that it is a point of.
        step: training steps taken.
    """

    checkpoint_id: int
    name: str
    modality: str
    family: str
    kind: Kind
    is_trained: bool
    series: str | None = None
    step: int | None = None


@dataclass(frozen=True)
class PairValues:
    """What is known of one pair of checkpoints, each value None where it is not computed."""

    left_id: int
    right_id: int
    score: float
    score_se: float | None = None
    score_last: float | None = None
    excess: float | None = None
    null_mean: float | None = None


@dataclass(frozen=True)
class PairTable:
    """The pairs of some checkpoints as square matrices, NaN where a value is not computed.

    Attributes:
        members: the checkpoints, in the order of the rows and columns.
        matrices: one symmetric `(n, n)` float64 matrix for each of `MEASURES`; NaN on the diagonal.
    """

    members: tuple[Member, ...]
    matrices: dict[str, NDArray[np.float64]]

    def block(self, rows: Sequence[int], columns: Sequence[int], measure: str) -> NDArray[np.float64]:
        """Return a measure between some positions and others."""
        return self.matrices[measure][np.ix_(rows, columns)]

    def only(self, positions: Sequence[int]) -> PairTable:
        """Return the table of some of its checkpoints."""
        members = tuple(self.members[position] for position in positions)
        return PairTable(members, {name: self.block(positions, positions, name) for name in self.matrices})


def pair_table(members: Sequence[Member], pairs: Sequence[PairValues]) -> PairTable:
    """Return the pairs among some checkpoints as matrices; a pair with anybody else is left out.

    Of a pair with two directions each value is their mean: a trend has no left and no right.
    """
    position = {member.checkpoint_id: index for index, member in enumerate(members)}
    matrices = {measure: np.full((len(members), len(members)), np.nan) for measure in MEASURES}
    is_there = np.zeros((len(members), len(members)), np.bool_)
    for pair in pairs:
        left, right = position.get(pair.left_id), position.get(pair.right_id)
        if left is None or right is None or left == right:
            continue
        for measure, matrix in matrices.items():
            value = getattr(pair, measure)
            matrix[left, right] = np.nan if value is None else value
        is_there[left, right] = True
    return PairTable(tuple(members), {name: _mirrored(found, is_there) for name, found in matrices.items()})


def _mirrored(values: NDArray[np.float64], is_there: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return values of directions as a symmetric matrix: the only one of a pair, or the mean of both."""
    one = np.where(is_there, values, values.T)
    both: NDArray[np.float64] = np.where(is_there & is_there.T, (values + values.T) / 2, one)
    return both
