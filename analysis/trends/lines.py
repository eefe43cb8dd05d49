"""What `trend vtab` answers: frozen rows, one kind for each table of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from analysis.trends.members import Kind

Predictor = Literal["solved-min", "solved-mean", "accuracy-min", "accuracy-mean"]
PREDICTORS: tuple[Predictor, ...] = ("solved-min", "solved-mean", "accuracy-min", "accuracy-mean")

FAMILIES_FOR_A_FIT = 10  # below, a slope and its interval would promise more than there is


@dataclass(frozen=True)
class TargetLine:
    """The matrix of pairs that a trend read; `chance` is that of one layer pair, None without closed form."""

    target_id: int
    name: str
    dataset: str
    metric: str
    parameters: dict[str, object]
    recipe: str
    reducer: str
    item_count: int
    chance: float | None


@dataclass(frozen=True)
class TaskLine:
    """A task, the best of the reference set, chance, the value that solves it, and why it does not count."""

    task: str
    best: float | None
    chance: float | None
    threshold: float | None
    solved_count: int | None
    left_out: str = ""


@dataclass(frozen=True)
class CheckpointLine:
    """A checkpoint that has every task: how many it solves, its mean accuracy, and the bin it stands in."""

    name: str
    modality: str
    family: str
    kind: Kind
    solved: int
    accuracy: float
    bin: str


@dataclass(frozen=True)
class LeftOut:
    """A checkpoint that is not part of the trend, why, and the tasks that it lacks."""

    name: str
    modality: str
    reason: str
    tasks: tuple[str, ...] = ()


@dataclass(frozen=True)
class BinLine:
    """The alignment within one bin of one modality. A value is None where `why` says.

    Attributes:
        modality: of whom.
        bin: the bin by its counts, `4-7`; `low` and `high` are its smallest and largest.
        checkpoints: how many stand in it.
        pairs: pairs among them that are computed; `missing_pairs` those that are not.
        score: mean score, `score_se` its jackknife over checkpoints, `score_se_prh` sd / sqrt(pairs).
        excess: the same above chance; None unless every pair is calibrated.
        score_last: mean score of the last layers, with its jackknife.
        chance: mean over the pairs of the mean under the null, None unless every pair is calibrated.
        why: why a value is None, empty where none is.
    """

    modality: str
    bin: str
    low: int
    high: int
    checkpoints: int
    pairs: int
    missing_pairs: int
    score: float | None
    score_se: float | None
    score_se_prh: float | None
    excess: float | None
    excess_se: float | None
    score_last: float | None
    score_last_se: float | None
    chance: float | None
    why: str = ""


@dataclass(frozen=True)
class ModalityLine:
    """How a modality's checkpoints answer the question. A value is None where `why` says.

    Attributes:
        modality: of whom.
        checkpoints: how many have every task; `families` how many families they are of.
        top: the highest bin that has a mean; `bottom` the lowest.
        score_difference: top minus bottom, mean score.
        excess_difference: the same above chance: this is what p judges.
        last_difference: the same for the last layers, mean score.
        p: share of arrangements of the bins' labels that differ as much, one-sided; exact where `is_exact`.
        arrangements: how many were looked at, the one that was found included.
        without: the excess difference without each family, lowest and highest; None where none is left.
        undecided_without: families without which there is no top or no bottom.
        without_baselines: the excess difference without untrained networks and baselines.
        mantel_r: correlation over pairs of excess with the predictor; `mantel_p` permutes checkpoints.
    """

    modality: str
    checkpoints: int
    families: int
    top: str | None = None
    bottom: str | None = None
    score_difference: float | None = None
    excess_difference: float | None = None
    last_difference: float | None = None
    p: float | None = None
    arrangements: int = 0
    is_exact: bool = False
    without_low: float | None = None
    without_high: float | None = None
    undecided_without: tuple[str, ...] = ()
    without_baselines: float | None = None
    mantel_r: float | None = None
    mantel_p: float | None = None
    mantel_arrangements: int = 0
    why: str = ""
    mantel_why: str = ""


@dataclass(frozen=True)
class PointLine:
    """A checkpoint: its mean alignment with a fixed group of another modality, and its mean accuracy.

    Attributes:
        name: the checkpoint; `modality`, `family`, `kind`, `series` and `step` are its own.
        other: the other modality; the group is in `VtabTrend.groups[other]`, the same for every checkpoint.
        accuracy: mean balanced accuracy over the tasks that count.
        solved: how many of them it solves.
        score: mean score with the group; None unless it is computed with all of the group.
        score_se: mean of the pairs' standard errors over items: never below that of the mean.
        excess: mean excess with the group; None unless every pair is calibrated.
        score_last: mean score of the last layers.
        chance: mean over the pairs of the mean under the null.
        why: why a value is None.
    """

    name: str
    modality: str
    family: str
    kind: Kind
    series: str | None
    step: int | None
    other: str
    accuracy: float
    solved: int
    score: float | None
    score_se: float | None
    excess: float | None
    score_last: float | None
    chance: float | None
    why: str = ""


@dataclass(frozen=True)
class VtabTrend:
    """The whole answer. Every line names its modality; `queries` are the SQL texts that read the snapshot."""

    battery: str
    target: TargetLine
    solved_at: float
    predictor: Predictor
    reference: tuple[str, ...]
    groups: dict[str, tuple[str, ...]]
    accuracy_chance: float | None
    tasks: tuple[TaskLine, ...]
    checkpoints: tuple[CheckpointLine, ...]
    bins: tuple[BinLine, ...]
    modalities: tuple[ModalityLine, ...]
    points: tuple[PointLine, ...]
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]
    snapshot: int
    snapshot_at: datetime
    is_stale: bool
    queries: dict[str, str] = field(default_factory=dict)

    @property
    def counted(self) -> tuple[TaskLine, ...]:
        """Return the tasks that count."""
        return tuple(task for task in self.tasks if not task.left_out)
