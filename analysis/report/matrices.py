"""The matrix of all pairs of a target as a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.figures.heat_panels import heat_panels
from analysis.report.absence import Status, why_no_pair
from analysis.report.contents import Field, Figure, Query, Sheet
from analysis.report.facts import CheckpointFacts, PairFacts, TargetFacts
from analysis.report.ordering import clustered
from analysis.report.sheets import LAYERS, NOTE, STATISTICS, Place, by_score, place
from analysis.report.wording import chance_sentence, short_chance, things

MOST = 60
ORDER = ("vision", "language")


def matrix_figure(
    target: TargetFacts,
    checkpoints: Sequence[CheckpointFacts],
    pairs: Sequence[PairFacts],
    status: Status,
    query: Query,
    *,
    slug: str,
) -> Figure | None:
    """Return the matrix of a target, one cell for each pair of checkpoints; None where there is no pair.

    Checkpoints stand by modality, then so that those that align with each other stand together. At most
    `MOST` are shown: those that have a score, then those that align most.

    Args:
        target: whose pairs.
        checkpoints: those in use.
        pairs: its pairs.
        status: of each checkpoint's embedding of the target's items.
        query: the question whose answer `pairs` are.
        slug: the figure's anchor.
    """
    members = shown_checkpoints(checkpoints, target, pairs)
    if len(members) < 2 or not pairs:
        return None
    known = {frozenset((pair.left_id, pair.right_id)): pair for pair in _one_way(target, pairs)}
    order, breaks = _ordered(members, {key: pair.score for key, pair in known.items()})
    places = [
        _place(target, order[column], order[row], known, status)
        for row in range(1, len(order))
        for column in range(row)
    ]
    names = [checkpoint.name for checkpoint in order]
    spec = heat_panels(
        [place.cell for place in places],
        rows=names[1:],
        columns=names[:-1],
        question="Which networks see alike?",
        subtitle=[_measured(target), *short_chance(target)],
        row_title="",
        column_title="",
        value_title="alignment",
        breaks=breaks,
        labels_below=True,
    )
    is_incomplete = any(place.cell.value is None for place in places)
    is_negative = any((place.cell.value or 0.0) < 0 for place in places)
    caption = _caption(target, order, checkpoints, is_incomplete=is_incomplete, is_negative=is_negative)
    sheet = _sheet([place.row for place in places])
    return Figure(slug, f"Every pair of {target.name}", caption, spec, sheet, (query,))


def _one_way(target: TargetFacts, pairs: Sequence[PairFacts]) -> Sequence[PairFacts]:
    """Return each pair once: where each direction has a score, that from the checkpoint registered first."""
    return pairs if target.is_symmetric else [pair for pair in pairs if pair.left_id < pair.right_id]


def _place(
    target: TargetFacts,
    upper: CheckpointFacts,
    lower: CheckpointFacts,
    known: Mapping[frozenset[int], PairFacts],
    status: Status,
) -> Place:
    pair = known.get(frozenset((lower.checkpoint_id, upper.checkpoint_id)))
    why = "" if pair else why_no_pair(upper, lower, target, status)
    return place(target.name, upper.name, lower.name, pair, why, left_is_row=False)


def shown_checkpoints(
    checkpoints: Sequence[CheckpointFacts], target: TargetFacts, pairs: Sequence[PairFacts]
) -> list[CheckpointFacts]:
    """Return the checkpoints that a target's figures show, in order of registration.

    Those that could be embedded are shown too, unless there are too many: then only those that have a score,
    and of these those whose mean is highest.
    """
    members = [checkpoint for checkpoint in checkpoints if checkpoint.modality in target.modalities]
    if len(members) <= MOST:
        return members
    means: dict[int, list[float]] = {}
    for pair in pairs:
        for identifier in (pair.left_id, pair.right_id):
            means.setdefault(identifier, []).append(pair.score)
    ranked = sorted(
        (member for member in members if member.checkpoint_id in means),
        key=lambda member: -sum(means[member.checkpoint_id]) / len(means[member.checkpoint_id]),
    )
    chosen = {member.checkpoint_id for member in ranked[:MOST]}
    return [member for member in members if member.checkpoint_id in chosen]


def modalities_of(checkpoints: Sequence[CheckpointFacts]) -> list[str]:
    """Return the modalities of some checkpoints: pictures, words, then the others by name."""
    found = {checkpoint.modality for checkpoint in checkpoints}
    return sorted(found, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))


def _ordered(
    members: Sequence[CheckpointFacts], scores: Mapping[frozenset[int], float]
) -> tuple[list[CheckpointFacts], list[str]]:
    """Return the checkpoints in their order, and the first of each modality."""
    by_id = {member.checkpoint_id: member for member in members}
    order: list[CheckpointFacts] = []
    breaks: list[str] = []
    for modality in modalities_of(members):
        own = [member.checkpoint_id for member in members if member.modality == modality]
        group = [by_id[identifier] for identifier in clustered(own, scores)]
        breaks.append(group[0].name)
        order += group
    return order, breaks


def _measured(target: TargetFacts) -> str:
    return f"{target.item_count:,} items of {target.dataset}; {target.measure}; recipe {target.recipe}"


def _caption(
    target: TargetFacts,
    order: Sequence[CheckpointFacts],
    checkpoints: Sequence[CheckpointFacts],
    *,
    is_incomplete: bool,
    is_negative: bool,
) -> str:
    groups = ", then ".join(things(modality) for modality in modalities_of(order))
    parts = [
        f"{_measured(target)}. Each pair once; what reads {groups}, a gap between them, and within each "
        f"those that align with each other stand together. {_colours(is_negative)}{chance_sentence(target)}"
    ]
    if not target.is_symmetric:
        parts.append("Of two directions the one from the checkpoint that was registered first is shown.")
    could = [checkpoint for checkpoint in checkpoints if checkpoint.modality in target.modalities]
    if is_incomplete:
        parts.append("Pale is a pair that is not there: the table says why.")
    if len(order) < len(could):
        parts.append(f"Shown are {len(order):,} of {len(could):,} checkpoints, those that align most.")
    return " ".join(parts)


def _colours(is_negative: bool) -> str:
    return "" if is_negative else "Colours follow the square root of the score. "


def _sheet(rows: Sequence[Mapping[str, Any]]) -> Sheet:
    fields = (Field("left", "one"), Field("right", "other"), *STATISTICS, LAYERS)
    has_notes = any(row.get("note") for row in rows)
    return Sheet((*fields, NOTE) if has_notes else fields, by_score(rows))
