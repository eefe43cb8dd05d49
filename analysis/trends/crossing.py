"""Alignment with another modality: the mean over one fixed group, the same for everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.trends.members import Member, PairTable


def trained_group(members: Sequence[Member], modality: str) -> tuple[Member, ...]:
    """Return the trained checkpoints of a modality, of each training run only its last point.

    A run saved at a hundred steps is one training, and would else outvote everybody.
    """
    trained = [member for member in members if member.modality == modality and member.is_trained]
    last: dict[str, Member] = {}
    for member in trained:
        if member.series is not None:
            last[member.series] = max(member, last.get(member.series, member), key=_age)
    return tuple(member for member in trained if member.series is None or last[member.series] is member)


def _age(member: Member) -> tuple[int, int]:
    return (member.step if member.step is not None else -1, member.checkpoint_id)


@dataclass(frozen=True)
class Crossing:
    """One checkpoint against a group, each value None where a pair of it lacks it.

    Attributes:
        score: mean score.
        score_se: mean of the pairs' standard errors. They are of the same items and their correlation is not
            known: the mean's own is at most this, and equals it for one partner.
        excess: mean excess.
        score_last: mean score of the last layers.
        null_mean: mean of the pairs' means under the null.
        missing: partners with which it is not computed.
    """

    score: float | None
    score_se: float | None
    excess: float | None
    score_last: float | None
    null_mean: float | None
    missing: tuple[str, ...]


def crossing(table: PairTable, position: int, group: Sequence[Member]) -> Crossing:
    """Return the mean of a checkpoint's pairs with every checkpoint of a group.

    A mean over a part of the group would compare checkpoints on different partners: it is None.

    Args:
        table: pairs of all checkpoints.
        position: the checkpoint's place in the table.
        group: its partners, never empty, all of them in the table.
    """
    places = {member.checkpoint_id: index for index, member in enumerate(table.members)}
    columns = [places[member.checkpoint_id] for member in group]

    def mean(measure: str) -> float | None:
        value = float(table.block([position], columns, measure).mean())
        return None if np.isnan(value) else value

    scores = table.block([position], columns, "score")[0]
    missing = tuple(member.name for member, score in zip(group, scores, strict=True) if np.isnan(score))
    return Crossing(
        mean("score"), mean("score_se"), mean("excess"), mean("score_last"), mean("null_mean"), missing
    )
