"""Discoveries: the pairs of one question that are aligned above chance, and what the answer rests on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from analysis.answers import ask
from analysis.queries import load
from registry.errors import UsageError
from registry.handle import Registry


@dataclass(frozen=True)
class AskedPair:
    """One pair of a question.

    Attributes:
        left_checkpoint_id: the checkpoint that was asked about, or that of the first modality.
        left_name: what it is called.
        right_checkpoint_id: the other one.
        right_name: what it is called.
        score: its alignment.
        null_mean: mean of the score over permuted items; None before the null is done.
        p: None before the null is done.
        draws: permutations that p rests on.
        wanted_draws: permutations that the target wants now.
        q_bh: lowest level at which it is a discovery after Benjamini and Hochberg; None where it is left out.
        q_by: the same after Benjamini and Yekutieli.
        m: pairs of the family.
        left_out: why it is not in the family; None where it is.
    """

    left_checkpoint_id: int
    left_name: str
    right_checkpoint_id: int
    right_name: str
    score: float
    null_mean: float | None
    p: float | None
    draws: int | None
    wanted_draws: int
    q_bh: float | None
    q_by: float | None
    m: int
    left_out: str | None


@dataclass(frozen=True)
class Discoveries:
    """The answer to one question.

    Attributes:
        q: share of the discoveries that may be false.
        pairs: every pair that the question is about, also what is left out; the surest first.
        warnings: what the reader must know.
        snapshot: number of the snapshot that was read.
        is_stale: whether the registry has moved on since.
    """

    q: float
    pairs: tuple[AskedPair, ...]
    warnings: tuple[str, ...]
    snapshot: int
    is_stale: bool

    @property
    def m(self) -> int:
        """The size of the family: how many pairs the levels account for."""
        return len(counted(self.pairs))

    @property
    def found(self) -> tuple[AskedPair, ...]:
        """The discoveries after Benjamini and Hochberg, who need p that do not pull apart."""
        return tuple(pair for pair in self.pairs if pair.q_bh is not None and pair.q_bh <= self.q)

    @property
    def found_whatever_depends(self) -> tuple[AskedPair, ...]:
        """The discoveries after Benjamini and Yekutieli, who need nothing of how the p depend."""
        return tuple(pair for pair in self.pairs if pair.q_by is not None and pair.q_by <= self.q)


def find_discoveries(
    registry: Registry,
    target_id: int,
    *,
    checkpoint_id: int | None = None,
    modalities: tuple[str, str] | None = ("vision", "language"),
    q: float = 0.05,
    snapshot: str | int | None = None,
) -> Discoveries:
    """Return which pairs of one question are aligned above chance, at a level that counts all its pairs.

    Pairs of checkpoints of one series are no question (they share their past) and do not count.

    Args:
        registry: whose snapshot is asked.
        target_id: of which target.
        checkpoint_id: whose partners; None for all pairs.
        modalities: of which two modalities, in either order for one checkpoint; None for any.
        q: share of the discoveries that may be false, between 0 and 1.
        snapshot: a number or a name; the newest where it is None.

    Raises:
        UsageError: q is no share.
        NotFoundError: there is no such snapshot.
    """
    if not 0 < q < 1:
        raise UsageError(
            f"q is {q:g}, expected a share between 0 and 1", hint="give for example q=0.05: one in twenty"
        )
    left, right = modalities or (None, None)
    parameters = {
        "target_id": target_id,
        "checkpoint_id": checkpoint_id,
        "left_modality": left,
        "right_modality": right,
    }
    answer = ask(registry, load("discoveries"), parameters, snapshot=snapshot)
    pairs = tuple(AskedPair(**row) for row in answer.table.to_pylist())
    return Discoveries(q, pairs, tuple(warnings_about(pairs, q)), answer.snapshot, answer.is_stale)


def counted(pairs: Sequence[AskedPair]) -> list[AskedPair]:
    """Return the pairs that are tested together."""
    return [pair for pair in pairs if pair.left_out is None]


def enough_draws(m: int, q: float) -> int:
    """Return the fewest draws with which a single pair of a family of m can be a discovery at level q.

    p is never below 1 / (draws + 1), and a pair that is alone needs p <= q / m.
    """
    return math.ceil(m / _as_written(q)) - 1


def warnings_about(pairs: Sequence[AskedPair], q: float) -> list[str]:
    """Return what the reader of a family must know: too few draws, what is not counted, what is assumed."""
    if not pairs:
        return ["the question is about no pair: its checkpoints have no alignment in this target"]
    tested = counted(pairs)
    return [*_about_draws(tested, q), *_about_what_is_missing(pairs, tested), *_about_dependence(tested, q)]


def _about_draws(tested: Sequence[AskedPair], q: float) -> list[str]:
    draws = min((pair.draws for pair in tested if pair.draws is not None), default=None)
    enough = enough_draws(len(tested), q)
    if draws is None or draws >= enough:
        return []
    return [
        f"{draws} draws are few for {len(tested)} pairs: p is never below {1 / (draws + 1):.2g}, and a pair "
        f"that is alone needs p <= q / m = {q / len(tested):.2g}; {enough:,} draws would be enough"
    ]


def _about_what_is_missing(pairs: Sequence[AskedPair], tested: Sequence[AskedPair]) -> list[str]:
    found = []
    waiting = sum(pair.left_out == "no null yet" for pair in pairs)
    if waiting:
        found.append(
            f"{waiting} of {waiting + len(tested)} pairs have no null yet and are not counted: "
            "cavewall align run"
        )
    outdated = sum(pair.draws is not None and pair.draws < pair.wanted_draws for pair in tested)
    if outdated:
        found.append(
            f"p of {outdated} of {len(tested)} pairs rests on fewer draws than the target wants now: "
            "cavewall align run"
        )
    return found


def _about_dependence(tested: Sequence[AskedPair], q: float) -> list[str]:
    hochberg = sum(pair.q_bh is not None and pair.q_bh <= q for pair in tested)
    yekutieli = sum(pair.q_by is not None and pair.q_by <= q for pair in tested)
    if hochberg == yekutieli:
        return []
    return [
        f"{hochberg} of {len(tested)} pairs are discoveries if their p depend positively on each other "
        f"(Benjamini-Hochberg: not proven), {yekutieli} whatever the dependence (Benjamini-Yekutieli)"
    ]


def _as_written(q: float) -> Fraction:
    """Return a level as the decimal that was written: 0.05 is one twentieth, and not the float beside it."""
    return Fraction(repr(float(q)))
