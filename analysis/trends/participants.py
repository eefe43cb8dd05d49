"""Who takes part in a trend over tasks, what each of them solves, and who is left out and why."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.trends.lines import CheckpointLine, LeftOut, TaskLine
from analysis.trends.members import Member
from analysis.trends.reading import Reading, Result, Task
from analysis.trends.solving import Solved, chance_of_tasks, solved
from registry.errors import NotFoundError, UsageError

Results = Mapping[tuple[int, int], Result]  # by checkpoint and benchmark


@dataclass(frozen=True)
class Participants:
    """The checkpoints that take part, and what they solve.

    Attributes:
        members: checkpoints of the target that have every task, in its order.
        solving: what they solve, their rows first, then those of a reference from outside.
        tasks: every task, those that do not count with the reason.
        reference: names of the reference set.
        accuracy_chance: mean chance over the tasks that count, None where one is unknown.
        left_out: who does not take part, and why.
        warnings: what the reader must know of the scores.
    """

    members: tuple[Member, ...]
    solving: Solved
    tasks: tuple[TaskLine, ...]
    reference: tuple[str, ...]
    accuracy_chance: float | None
    left_out: tuple[LeftOut, ...]
    warnings: tuple[str, ...]

    def line(self, position: int, bin_label: str) -> CheckpointLine:
        """Return what one of the members solves."""
        member = self.members[position]
        return CheckpointLine(
            member.name, member.modality, member.family, member.kind,
            int(self.solving.counts[position]), float(self.solving.accuracy[position]), bin_label,
        )  # fmt: skip


def participants(reading: Reading, *, solved_at: float, reference: Sequence[str]) -> Participants:
    """Return who takes part and what they solve.

    Who lacks a task is left out, never counted as not solving it. A task that nobody has a score on is left
    out too, like one whose chance already counts as solving it.

    Raises:
        UsageError: fewer than two checkpoints have every task, no task counts, or one of the reference set
            lacks a task.
        NotFoundError: the reference set names a checkpoint without scores.
    """
    results = {(result.checkpoint_id, result.benchmark_id): result for result in reading.results}
    scored = {result.benchmark_id for result in reading.results}
    tasks = [task for task in reading.tasks if task.benchmark_id in scored]
    members = tuple(m for m in reading.members if not _lacking(m.checkpoint_id, tasks, results))
    if len(members) < 2:
        raise UsageError(
            f"{len(members)} of {len(reading.members)} checkpoints of target '{reading.target.name}' have "
            f"all {len(tasks)} tasks of '{reading.battery}': a trend needs at least two",
            hint="see what is missing: cavewall score list",
        )
    pinned = _reference_ids(reading, reference, tasks, results)
    outside = [i for i in pinned if i not in {member.checkpoint_id for member in members}]
    ids = [*(member.checkpoint_id for member in members), *outside]
    values = np.array([[results[i, task.benchmark_id].value for task in tasks] for i in ids])
    chance = chance_of_tasks(
        np.array([_number(task.chance) for task in tasks]),
        np.array([[_number(results[i, t.benchmark_id].chance) for t in tasks] for i in ids[: len(members)]]),
    )
    places = [ids.index(i) for i in pinned] or range(len(members))
    solving = solved(values, chance, reference=places, solved_at=solved_at)
    if not solving.is_counted.any():
        raise UsageError(
            f"no task of '{reading.battery}' counts: chance reaches {solved_at:g} x the best in every one",
            hint="ask for more of the best: --solved-at 0.9",
        )
    counted = chance[solving.is_counted]
    return Participants(
        members=members,
        solving=solving,
        tasks=_task_lines(reading.tasks, tasks, solving, chance, len(members)),
        reference=tuple(reference) or tuple(member.name for member in members),
        accuracy_chance=None if np.isnan(counted).any() else float(counted.mean()),
        left_out=_left_out(reading, tasks, results),
        warnings=tuple(_warnings(reading, tasks, solving, chance)),
    )


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _lacking(checkpoint_id: int, tasks: Sequence[Task], results: Results) -> tuple[str, ...]:
    return tuple(task.task for task in tasks if (checkpoint_id, task.benchmark_id) not in results)


def _reference_ids(
    reading: Reading, names: Sequence[str], tasks: Sequence[Task], results: Results
) -> list[int]:
    ids = {result.name: result.checkpoint_id for result in reading.results}
    for name in names:
        if name not in ids:
            close = difflib.get_close_matches(name, ids)
            raise NotFoundError(
                f"no checkpoint '{name}' has a score on '{reading.battery}'",
                hint=f"did you mean {', '.join(close)} ?"
                if close
                else f"there are: {', '.join(sorted(ids))}",
            )
        if lacking := _lacking(ids[name], tasks, results):
            raise UsageError(
                f"'{name}' cannot be a reference: it lacks {', '.join(lacking)}",
                hint="name checkpoints that have every task",
            )
    return [ids[name] for name in dict.fromkeys(names)]


def _left_out(reading: Reading, tasks: Sequence[Task], results: Results) -> tuple[LeftOut, ...]:
    """Return the target's checkpoints that lack a task, and those with scores that it does not compare."""
    lines = []
    for member in reading.members:
        if lacking := _lacking(member.checkpoint_id, tasks, results):
            reason = f"lacks {len(lacking)} of {len(tasks)} tasks"
            lines.append(LeftOut(member.name, member.modality, reason, lacking))
    compared = {member.checkpoint_id for member in reading.members}
    others = {result.checkpoint_id: result for result in reading.results}
    for checkpoint_id, result in others.items():
        if checkpoint_id not in compared:
            lines.append(LeftOut(result.name, result.modality, "not aligned under this target"))
    return tuple(lines)


def _task_lines(
    every: Sequence[Task], tasks: Sequence[Task], solving: Solved, chance: np.ndarray, members: int
) -> tuple[TaskLine, ...]:
    place = {task.benchmark_id: index for index, task in enumerate(tasks)}
    lines = []
    for task in every:
        index = place.get(task.benchmark_id)
        if index is None:
            lines.append(TaskLine(task.task, None, task.chance, None, None, "nobody has a score on it"))
            continue
        guess = None if np.isnan(chance[index]) else float(chance[index])
        best, threshold = float(solving.best[index]), float(solving.threshold[index])
        if solving.is_counted[index]:
            count = int(solving.is_solved[:members, index].sum())
            lines.append(TaskLine(task.task, best, guess, threshold, count))
        else:
            why = f"chance {guess:.3f} already counts as solved, from {threshold:.3f}"
            lines.append(TaskLine(task.task, best, guess, threshold, None, why))
    return tuple(lines)


def _warnings(reading: Reading, tasks: Sequence[Task], solving: Solved, chance: np.ndarray) -> list[str]:
    found = []
    mixed = [
        task.task
        for task in tasks
        if len({(r.protocol, r.split) for r in reading.results if r.benchmark_id == task.benchmark_id}) > 1
    ]
    if mixed:
        found.append(f"measured in more than one way, so not quite comparable: {', '.join(mixed)}")
    unknown = int((np.isnan(chance) & solving.is_counted).sum())
    if unknown:
        found.append(f"chance is unknown for {unknown} of {len(tasks)} tasks: they count")
    return found
