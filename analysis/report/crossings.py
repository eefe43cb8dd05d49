"""Checkpoints of one modality against those of another, under each rule beside the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from analysis.figures.heat_panels import heat_panels
from analysis.report.absence import Status, why_no_pair
from analysis.report.contents import Field, Figure, Query, Sheet
from analysis.report.facts import CheckpointFacts, PairFacts, TargetFacts, rule_titles
from analysis.report.matrices import MOST
from analysis.report.ordering import by_mean
from analysis.report.sheets import LAYERS, NOTE, STATISTICS, Place, by_score, place
from analysis.report.wording import (
    chance_sentence,
    pair_name,
    reader,
    short_chance,
    things,
    upper_first,
)

DEMO = ("vision", "language")
QUESTION = "Do networks that never saw a caption see things as networks that never saw a picture?"


@dataclass(frozen=True)
class Crossing:
    """The pairs of two modalities under one target, and the question whose answer they are."""

    target: TargetFacts
    pairs: tuple[PairFacts, ...]
    query: Query


def crossing_figure(
    crossings: Sequence[Crossing],
    checkpoints: Sequence[CheckpointFacts],
    status: Status,
    modalities: tuple[str, str],
    *,
    slug: str,
) -> Figure | None:
    """Return the pairs of two modalities as heat maps beside each other; None where there is no score.

    Rows and columns stand in the order of their means under the first target, the highest first.

    Args:
        crossings: the same pairs under targets whose scores can be compared, the main one first.
        checkpoints: those in use.
        status: of each checkpoint's embedding of the data set.
        modalities: of the rows and of the columns.
        slug: the figure's anchor.
    """
    main = crossings[0]
    scores = {frozenset((pair.left_id, pair.right_id)): pair.score for pair in main.pairs}
    rows, columns = (
        [one.checkpoint_id for one in checkpoints if one.modality == modality] for modality in modalities
    )
    if not rows or not columns or not scores:
        return None
    rows, columns = by_mean(rows, columns, scores)[:MOST], by_mean(columns, rows, scores)[:MOST]
    by_id = {checkpoint.checkpoint_id: checkpoint for checkpoint in checkpoints}
    places = _places(crossings, [by_id[i] for i in rows], [by_id[i] for i in columns], status)
    question = QUESTION if modalities == DEMO else f"{crossing_title(modalities)}: do they agree?"
    spec = heat_panels(
        [place.cell for _, place in places],
        rows=[by_id[identifier].name for identifier in rows],
        columns=[by_id[identifier].name for identifier in columns],
        question=question,
        subtitle=[_measured(main.target), *short_chance(main.target)],
        row_title=reader(modalities[0]),
        column_title=reader(modalities[1]),
        value_title="alignment",
    )
    is_incomplete = any(place.cell.value is None for _, place in places)
    sheet = _sheet([{"rule": rule, **place.row} for rule, place in places], modalities, len(crossings))
    queries = tuple(crossing.query for crossing in crossings)
    return Figure(slug, question, _caption(crossings, is_incomplete=is_incomplete), spec, sheet, queries)


def _places(
    crossings: Sequence[Crossing],
    rows: Sequence[CheckpointFacts],
    columns: Sequence[CheckpointFacts],
    status: Status,
) -> list[tuple[str, Place]]:
    """Return every place of every panel, with the rule that names the panel."""
    titles = rule_titles([crossing.target for crossing in crossings])
    found = []
    for crossing in crossings:
        rule = titles[crossing.target.target_id]
        known = {(pair.left_id, pair.right_id): pair for pair in crossing.pairs}
        for left, right in product(rows, columns):
            pair = known.get((left.checkpoint_id, right.checkpoint_id))
            why = "" if pair else why_no_pair(left, right, crossing.target, status)
            found.append((rule, place(rule, left.name, right.name, pair, why, left_is_row=True)))
    return found


def crossing_title(modalities: tuple[str, str]) -> str:
    """Return what stands against what."""
    left, right = (things(modality) for modality in modalities)
    return pair_name(upper_first(left), right)


def _measured(target: TargetFacts) -> str:
    return f"{target.item_count:,} items of {target.dataset}; {target.measure}; the {target.reduced}"


def _caption(crossings: Sequence[Crossing], *, is_incomplete: bool) -> str:
    target = crossings[0].target
    parts = [f"{_measured(target)}. {chance_sentence(target)}"]
    for crossing in crossings[1:]:
        title = rule_titles([one.target for one in crossings])[crossing.target.target_id]
        parts.append(f"{upper_first(title)}: {crossing.target.name}, recipe {crossing.target.recipe}.")
    if is_incomplete:
        parts.append("Pale is a pair that is not there: the table says why.")
    return " ".join(parts)


def _sheet(rows: Sequence[Mapping[str, Any]], modalities: tuple[str, str], rules: int) -> Sheet:
    fields = [
        Field("left", reader(modalities[0])),
        Field("right", reader(modalities[1])),
        *STATISTICS,
        LAYERS,
    ]
    if rules > 1:
        fields.insert(2, Field("rule", "rule"))
    if any(row.get("note") for row in rows):
        fields.append(NOTE)
    return Sheet(tuple(fields), by_score(rows))
