"""Do checkpoints that solve more tasks align more with each other, and with another modality?

The answer of one snapshot, judged as its parts say: tasks solved (`solving.py`), means within bins
(`bins.py`), top against bottom (`contrasts.py`), pairs against pairs (`mantel.py`), and alignment with
another modality against accuracy (`crossing.py`). The figures are in `figures.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

from analysis.trends.bins import Bin, equal_width, from_edges, place
from analysis.trends.lines import (
    FAMILIES_FOR_A_FIT,
    PREDICTORS,
    BinLine,
    CheckpointLine,
    LeftOut,
    ModalityLine,
    PointLine,
    Predictor,
    TargetLine,
    TaskLine,
    VtabTrend,
)
from analysis.trends.members import pair_table
from analysis.trends.participants import Participants, participants
from analysis.trends.points import groups_of, points_of
from analysis.trends.reading import Reading, read
from analysis.trends.within import Panel, bin_lines, modality_line
from registry.errors import UsageError
from registry.handle import Registry

__all__ = [
    "PREDICTORS",
    "BinLine",
    "CheckpointLine",
    "LeftOut",
    "ModalityLine",
    "PointLine",
    "Predictor",
    "TargetLine",
    "TaskLine",
    "VtabTrend",
    "vtab_trend",
]


def vtab_trend(
    registry: Registry,
    *,
    battery: str | None = None,
    target: str | None = None,
    bins: int = 5,
    edges: Sequence[int] | None = None,
    solved_at: float = 0.8,
    modality: str | None = None,
    reference: Sequence[str] = (),
    group: Sequence[str] = (),
    predictor: Predictor = "solved-min",
    snapshot: str | int | None = None,
) -> VtabTrend:
    """Return how alignment goes with the number of tasks solved, as a snapshot has it.

    Args:
        registry: the zoo.
        battery: the suite of tasks; the only one if None.
        target: the matrix of pairs, by name; the only one that takes the best layer pair if None.
        bins: how many bins of equal width from 0 to the number of tasks.
        edges: the bins' edges instead, from 0 to at least the number of tasks; the last is inside its bin.
        solved_at: a task is solved at this share of the best of the reference set, 0..1.
        modality: show only these checkpoints; the reference set and the groups stay as they are.
        reference: checkpoints whose best is the measure; all that have every task if empty.
        group: checkpoints that the other modality is compared with; if empty all that were trained, of each
            training run its last point.
        predictor: what the correlation over pairs correlates with: the smaller (min) or the mean of both
            checkpoints' numbers of tasks solved, or of their accuracies.
        snapshot: number or name of the snapshot; the newest if None.

    Raises:
        UsageError: battery or target must be chosen, fewer than two checkpoints have every task, or an
            argument cannot mean anything here.
        NotFoundError: there is no snapshot, no score, or nothing of a name that is given.
    """
    reading = read(registry, battery=battery, target=target, snapshot=snapshot)
    if not 0 < solved_at <= 1:
        raise UsageError(
            f"a task is solved at a share of the best above 0 and at most 1, not {solved_at:g}",
            hint="the paper says 0.8",
        )
    taking_part = participants(reading, solved_at=solved_at, reference=reference)
    try:
        task_count = int(taking_part.solving.is_counted.sum())
        chosen = equal_width(task_count, bins) if edges is None else from_edges(edges, task_count)
    except ValueError as error:
        raise UsageError(str(error), hint="choose with --bins N or --edges 0,…") from error
    return _answer(reading, taking_part, chosen, _shown(taking_part, modality), group, predictor, solved_at)


def _shown(taking_part: Participants, modality: str | None) -> tuple[str, ...]:
    """Return the modalities that are shown, in order of registration."""
    found = tuple(dict.fromkeys(member.modality for member in taking_part.members))
    if modality is not None and modality not in found:
        raise UsageError(
            f"no checkpoint of modality '{modality}' takes part", hint=f"there are: {' | '.join(found)}"
        )
    return found if modality is None else (modality,)


def _answer(
    reading: Reading,
    taking_part: Participants,
    bins: Sequence[Bin],
    shown: Sequence[str],
    group: Sequence[str],
    predictor: Predictor,
    solved_at: float,
) -> VtabTrend:
    members = taking_part.members
    placed = place(taking_part.solving.counts[: len(members)], bins)
    everybody = pair_table(reading.members, reading.pairs)
    panels = [Panel.of(modality, taking_part, everybody, placed, bins) for modality in shown]
    groups = groups_of(reading.members, group)
    key = f"trend vtab/{reading.battery}/{reading.target.name}"
    points = tuple(point for point in points_of(taking_part, everybody, groups) if point.modality in shown)
    return VtabTrend(
        battery=reading.battery,
        target=reading.target,
        solved_at=solved_at,
        predictor=predictor,
        reference=taking_part.reference,
        groups={name: tuple(member.name for member in partners) for name, partners in groups.items()},
        accuracy_chance=taking_part.accuracy_chance,
        tasks=taking_part.tasks,
        checkpoints=tuple(
            taking_part.line(position, bins[placed[position]].label)
            for position, member in enumerate(members)
            if member.modality in shown
        ),
        bins=tuple(line for panel in panels for line in bin_lines(panel)),
        modalities=tuple(modality_line(panel, predictor, key) for panel in panels),
        points=points,
        left_out=tuple(line for line in taking_part.left_out if line.modality in shown),
        warnings=(*taking_part.warnings, *_warnings(reading, panels)),
        snapshot=reading.snapshot,
        snapshot_at=reading.snapshot_at,
        is_stale=reading.is_stale,
        queries=reading.queries,
    )


def _warnings(reading: Reading, panels: Sequence[Panel]) -> list[str]:
    found = []
    if not reading.is_within:
        found.append(f"target '{reading.target.name}' has no pairs within a modality: its bins stay empty")
    uncalibrated = sum(pair.excess is None for pair in reading.pairs)
    if uncalibrated:
        found.append(
            f"{uncalibrated} of {len(reading.pairs)} pairs have no null yet, so nothing is judged on them: "
            "cavewall align run, then cavewall snapshot build"
        )
    for panel in panels:
        families = len(set(panel.families))
        if families < FAMILIES_FOR_A_FIT:
            found.append(
                f"{panel.modality}: {len(panel.members)} checkpoints of {families} families; "
                f"below {FAMILIES_FOR_A_FIT} families no fit is claimed"
            )
    return found
