"""Read a snapshot and put together what a report shows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from analysis.discoveries import find_discoveries
from analysis.report.absence import Status, missing_of_zoo
from analysis.report.answer import answer_figure, answer_sentences, best_pair
from analysis.report.checkpoints import checkpoint_part, index_sheet, read_profiles
from analysis.report.contents import CheckpointPart, Contents, Figure, NeighbourPart, Overview, Part, Query
from analysis.report.crossings import Crossing, crossing_figure, crossing_title
from analysis.report.facts import CheckpointFacts, PairFacts, TargetFacts, main_targets, typed
from analysis.report.matrices import matrix_figure, modalities_of
from analysis.report.neighbours import neighbour_part
from analysis.report.overview import kinds_sheet, moment, targets_sheet, zoo_facts
from analysis.report.profiles import highest_of
from analysis.report.questions import Questions, questions_on
from analysis.report.terms import terms_of
from analysis.report.trend import trend_part
from analysis.report.wording import things, upper_first
from registry.errors import NotFoundError
from registry.handle import Registry
from registry.lookup import nearest


@dataclass(frozen=True)
class Zoo:
    """What every part of a report needs: rows that are read once.

    Attributes:
        registry: where the snapshot and the items lie.
        questions: the snapshot.
        checkpoints: those in use.
        targets: those that are shown; `families` are the same, the main one of each first.
        pairs: all pairs by target, with their question.
        status: of the embeddings, by data set and checkpoint.
        means: rows of `mean_scores.sql` by checkpoint.
        queries: what was asked for the rows above, pairs aside.
    """

    registry: Registry
    questions: Questions
    checkpoints: list[CheckpointFacts]
    targets: list[TargetFacts]
    families: list[list[TargetFacts]]
    pairs: Mapping[int, tuple[list[PairFacts], Query]]
    status: Mapping[int, Status]
    means: Mapping[int, list[Mapping[str, Any]]]
    queries: Mapping[str, Query]


def gather(registry: Registry, *, targets: Sequence[str] = (), snapshot: str | int | None = None) -> Contents:
    """Return what a report shows of a snapshot.

    Args:
        registry: the zoo.
        targets: names of the matrices of pairs to show; all if empty.
        snapshot: number or name of the snapshot; the newest if None.

    Raises:
        NotFoundError: there is no such snapshot, or it has no target of one of the names.
    """
    with questions_on(registry, snapshot) as questions:
        zoo = _read(registry, questions, targets)
        crossings = _crossings(zoo)
        parts, index_queries = _checkpoints(zoo)
        main = zoo.families[0][0] if zoo.families else None
        return Contents(
            zoo=_name(registry),
            snapshot=questions.snapshot,
            snapshot_at=moment(questions.snapshot_at),
            version=questions.code_version,
            is_stale=questions.is_stale,
            overview=_overview(zoo, crossings),
            matrices=_matrices(zoo),
            crossings=_crossing_part(zoo, crossings),
            trend=trend_part(registry, main, questions.snapshot),
            neighbours=tuple(_neighbours(zoo, crossings)),
            checkpoints=parts,
            index=index_sheet(zoo.checkpoints, zoo.pairs[main.target_id][0] if main else [], zoo.means),
            index_queries=index_queries,
        )


def _read(registry: Registry, questions: Questions, names: Sequence[str]) -> Zoo:
    checkpoints, targets = questions.ask("zoo_checkpoints"), questions.ask("zoo_targets")
    means = questions.ask("mean_scores")
    shown = _chosen(typed(TargetFacts, targets.rows), names, questions.snapshot)
    by_checkpoint: dict[int, list[Mapping[str, Any]]] = {}
    for row in means.rows:
        by_checkpoint.setdefault(row["checkpoint_id"], []).append(row)
    status = {
        dataset_id: {
            row["checkpoint_id"]: row["status"]
            for row in questions.ask("embeddings_of_dataset", dataset_id=dataset_id).rows
        }
        for dataset_id in dict.fromkeys(target.dataset_id for target in shown)
    }
    return Zoo(
        registry,
        questions,
        typed(CheckpointFacts, checkpoints.rows),
        shown,
        main_targets(shown),
        {target.target_id: _pairs(questions, target) for target in shown},
        status,
        by_checkpoint,
        {asked.query.name: asked.query for asked in (checkpoints, targets, means)},
    )


def _chosen(targets: list[TargetFacts], names: Sequence[str], snapshot: int) -> list[TargetFacts]:
    known = [target.name for target in targets]
    for name in names:
        if name not in known:
            hint = nearest(name, known) or (f"it has {', '.join(known)}" if known else "")
            raise NotFoundError(
                f"snapshot {snapshot} has no target '{name}'",
                hint=hint or "make one with 'cavewall target add', then 'cavewall snapshot build'",
            )
    return [target for target in targets if not names or target.name in names]


def _pairs(questions: Questions, target: TargetFacts) -> tuple[list[PairFacts], Query]:
    asked = questions.ask("pairs_in_full", target_id=target.target_id)
    return typed(PairFacts, asked.rows), asked.query


def _name(registry: Registry) -> str:
    folder = registry.settings.folder
    return folder.name if folder is not None else "zoo"


def _crossings(zoo: Zoo) -> dict[tuple[int, str, str], list[Crossing]]:
    """Return the pairs across modalities, by family of targets and the two modalities."""
    found: dict[tuple[int, str, str], list[Crossing]] = {}
    for index, family in enumerate(zoo.families):
        members = [one for one in zoo.checkpoints if one.modality in family[0].modalities]
        for left, right in combinations(modalities_of(members), 2):
            crossings = [_crossing(zoo.questions, target, left, right) for target in family]
            if crossings[0].pairs:
                found[index, left, right] = crossings
    return found


def _crossing(questions: Questions, target: TargetFacts, left: str, right: str) -> Crossing:
    asked = questions.ask(
        "pairs_across_in_full", target_id=target.target_id, left_modality=left, right_modality=right
    )
    return Crossing(target, tuple(typed(PairFacts, asked.rows)), asked.query)


def _overview(zoo: Zoo, crossings: Mapping[tuple[int, str, str], list[Crossing]]) -> Overview:
    run = zoo.questions.ask("newest_run")
    answers: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    figure = None
    if crossings:
        (_, left, right), first = next(iter(crossings.items()))
        discoveries = find_discoveries(
            zoo.registry,
            first[0].target.target_id,
            modalities=(left, right),
            snapshot=zoo.questions.snapshot,
        )
        answers = answer_sentences(first, zoo.checkpoints, discoveries)
        notes = tuple(f"{upper_first(warning)}." for warning in discoveries.warnings)
        figure = answer_figure(first, zoo.checkpoints, (left, right))
    has_scores = any(row["task_count"] > 1 for rows in zoo.means.values() for row in rows)
    return Overview(
        facts=zoo_facts(zoo.questions, zoo.checkpoints, zoo.targets, run.rows),
        kinds=kinds_sheet(zoo.checkpoints),
        answers=answers,
        notes=notes,
        figure=figure,
        targets=targets_sheet(zoo.targets),
        terms=terms_of(zoo.families[0][0]) if zoo.families else (),
        missing=missing_of_zoo(
            zoo.checkpoints,
            zoo.targets,
            zoo.status,
            is_stale=zoo.questions.is_stale,
            has_scores=has_scores,
        ),
        queries=(zoo.queries["zoo_checkpoints"], zoo.queries["zoo_targets"], run.query),
    )


def _matrices(zoo: Zoo) -> Part:
    figures: list[Figure] = []
    for target in zoo.targets:
        if target.pairs != "all":
            continue
        pairs, query = zoo.pairs[target.target_id]
        slug = "matrix" if not figures else f"matrix-{target.target_id}"
        figure = matrix_figure(
            target, zoo.checkpoints, pairs, zoo.status[target.dataset_id], query, slug=slug
        )
        figures += [] if figure is None else [figure]
    sentences = () if figures else ("There is no matrix to show: see what is missing, above.",)
    return Part("matrices", "All pairs", sentences, tuple(figures))


def _crossing_part(zoo: Zoo, crossings: Mapping[tuple[int, str, str], list[Crossing]]) -> Part:
    figures: list[Figure] = []
    for (index, left, right), found in crossings.items():
        target = found[0].target
        slug = f"{things(left)}-x-{things(right)}" + ("" if index == 0 else f"-{target.target_id}")
        status = zoo.status[target.dataset_id]
        members = [one for one in zoo.checkpoints if one.modality in target.modalities]
        figure = crossing_figure(found, members, status, (left, right), slug=slug)
        figures += [] if figure is None else [figure]
    sentences = () if figures else ("No pair of two modalities is computed: see what is missing, above.",)
    names = {(left, right) for _, left, right in crossings}
    title = crossing_title(names.pop()) if len(names) == 1 else "Across modalities"
    return Part("across", title, sentences, tuple(figures))


def _neighbours(zoo: Zoo, crossings: Mapping[tuple[int, str, str], list[Crossing]]) -> list[NeighbourPart]:
    kinds = {checkpoint.checkpoint_id: checkpoint.kind for checkpoint in zoo.checkpoints}
    found: list[NeighbourPart] = []
    for index, left, right in crossings:
        main = crossings[index, left, right][0]
        slug = (
            "neighbours"
            if not found
            else f"neighbours-{main.target.target_id}-{things(left)}-{things(right)}"
        )
        best = best_pair(main.pairs, kinds)
        part = neighbour_part(zoo.registry, main.target, best, (main.query,), slug=slug)
        found += [] if part is None else [part]
    return found


def _checkpoints(zoo: Zoo) -> tuple[tuple[CheckpointPart, ...], tuple[Query, ...]]:
    targets = [family[0] for family in zoo.families]
    profiles = {
        checkpoint.checkpoint_id: read_profiles(zoo.questions, checkpoint, targets)
        for checkpoint in zoo.checkpoints
    }
    highest = highest_of([profile for own in profiles.values() for profile in own])
    parts = tuple(
        checkpoint_part(
            zoo.questions,
            checkpoint,
            targets,
            profiles[checkpoint.checkpoint_id],
            zoo.status,
            zoo.means.get(checkpoint.checkpoint_id, []),
            highest=highest,
        )
        for checkpoint in zoo.checkpoints
    )
    pairs = [zoo.pairs[targets[0].target_id][1]] if targets else []
    return parts, (zoo.queries["zoo_checkpoints"], *pairs, zoo.queries["mean_scores"])
