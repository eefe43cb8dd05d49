"""Each checkpoint as a point: how good it is at the tasks, how it aligns with another modality."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from analysis.trends.crossing import Crossing, crossing, trained_group
from analysis.trends.lines import PointLine
from analysis.trends.members import Member, PairTable
from analysis.trends.participants import Participants
from registry.errors import NotFoundError

Groups = Mapping[str, tuple[Member, ...]]


def groups_of(members: Sequence[Member], names: Sequence[str]) -> dict[str, tuple[Member, ...]]:
    """Return, for every modality, the checkpoints that others are compared with.

    Args:
        members: all checkpoints of the target.
        names: the group; if empty the trained checkpoints, of each training run its last point.

    Raises:
        NotFoundError: the target does not compare one of the names.
    """
    known = {member.name: member for member in members}
    for name in names:
        if name not in known:
            close = difflib.get_close_matches(name, known)
            hint = f"did you mean {', '.join(close)} ?" if close else f"there are: {', '.join(sorted(known))}"
            raise NotFoundError(f"the target compares no checkpoint '{name}'", hint=hint)
    chosen = {known[name].checkpoint_id for name in names}
    return {
        modality: tuple(m for m in members if m.modality == modality and m.checkpoint_id in chosen)
        if names
        else trained_group(members, modality)
        for modality in dict.fromkeys(member.modality for member in members)
    }


def points_of(taking_part: Participants, everybody: PairTable, groups: Groups) -> list[PointLine]:
    """Return a point for every checkpoint that takes part and every other modality."""
    places = {member.checkpoint_id: index for index, member in enumerate(everybody.members)}
    lines = []
    for position, member in enumerate(taking_part.members):
        for other, group in groups.items():
            if other == member.modality:
                continue
            found = crossing(everybody, places[member.checkpoint_id], group) if group else None
            lines.append(_line(taking_part, position, other, found))
    return lines


def _line(taking_part: Participants, position: int, other: str, found: Crossing | None) -> PointLine:
    member, solving = taking_part.members[position], taking_part.solving
    if found is None:
        why = f"no trained {other} checkpoint"
    elif found.missing:
        why = f"not computed with {', '.join(found.missing)}"
    else:
        why = "" if found.excess is not None else "a pair has no null yet"
    return PointLine(
        name=member.name,
        modality=member.modality,
        family=member.family,
        kind=member.kind,
        series=member.series,
        step=member.step,
        other=other,
        accuracy=float(solving.accuracy[position]),
        solved=int(solving.counts[position]),
        score=found.score if found else None,
        score_se=found.score_se if found else None,
        excess=found.excess if found else None,
        score_last=found.score_last if found else None,
        chance=found.null_mean if found else None,
        why=why,
    )
