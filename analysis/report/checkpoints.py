"""The part of a report about one checkpoint: what it is, what it reaches, who is near, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from analysis.report.absence import Status, why_not_embedded
from analysis.report.contents import CheckpointPart, Field, Listing, Missing, Query, Sheet, Term
from analysis.report.facts import KINDS, CheckpointFacts, PairFacts, TargetFacts
from analysis.report.profiles import Profile, profile_figure
from analysis.report.questions import Asked, Questions
from analysis.report.wording import TIMES, interval, plural, reader, score, things

NEAREST = 5
NEAREST_FIELDS = (
    Field("things", "is given"),
    Field("name", "checkpoint"),
    Field("score", "score", "score"),
    Field("interval", "95 % interval"),
    Field("p", "p", "p"),
    Field("lift", "lift", "factor"),
    Field("layers", "layers"),
)
SCORE_FIELDS = (
    Field("suite", "suite"),
    Field("task", "task"),
    Field("metric", "metric"),
    Field("value", "value", "score"),
    Field("stderr", "standard error", "score"),
    Field("chance", "chance", "score"),
    Field("item_count", "items", "count"),
    Field("source", "source"),
    Field("status", "status"),
)
INDEX_FIELDS = (
    Field("name", "checkpoint"),
    Field("things", "is given"),
    Field("kind", "kind"),
    Field("parameter_count", "parameters", "count"),
    Field("mean", "mean of tasks", "score"),
    Field("partner", "best partner across"),
    Field("score", "score", "score"),
    Field("interval", "95 % interval"),
    Field("p", "p", "p"),
)


def slug_of(checkpoint: CheckpointFacts) -> str:
    """Return a checkpoint's anchor in the page."""
    return f"checkpoint-{checkpoint.checkpoint_id}"


def read_profiles(
    questions: Questions, checkpoint: CheckpointFacts, targets: Sequence[TargetFacts]
) -> list[Profile]:
    """Return the layer profiles of a checkpoint, one for each target in which it has a pair."""
    found = []
    for target in targets:
        asked = questions.ask(
            "layer_profile", target_id=target.target_id, checkpoint_id=checkpoint.checkpoint_id
        )
        if asked.rows:
            found.append(Profile(target, tuple(asked.rows), asked.query))
    return found


def checkpoint_part(
    questions: Questions,
    checkpoint: CheckpointFacts,
    targets: Sequence[TargetFacts],
    profiles: Sequence[Profile],
    status: Mapping[int, Status],
    means: Sequence[Mapping[str, Any]],
    *,
    highest: float,
) -> CheckpointPart:
    """Return all that a report says of one checkpoint.

    Args:
        questions: the snapshot.
        checkpoint: of whom.
        targets: the main matrices of pairs.
        profiles: its layer profiles.
        status: of the embeddings, by data set and checkpoint.
        means: its means over suites of tasks, rows of `mean_scores.sql`.
        highest: upper end of the profiles' axis.
    """
    identifier = checkpoint.checkpoint_id
    figures = tuple(
        profile_figure(
            checkpoint.name,
            profile,
            slug=f"profile-{identifier}" + ("" if index == 0 else f"-{profile.target.target_id}"),
            highest=highest,
        )
        for index, profile in enumerate(profiles)
    )
    listings = [
        _nearest(
            questions.ask(
                "nearest_checkpoints", target_id=target.target_id, checkpoint_id=identifier, count=NEAREST
            ),
            target,
        )
        for target in targets
        if any(profile.target == target for profile in profiles)
    ]
    listings.append(_scores(questions.ask("scores_of_checkpoint", checkpoint_id=identifier)))
    return CheckpointPart(
        slug_of(checkpoint),
        checkpoint.name,
        checkpoint.modality,
        KINDS.get(checkpoint.kind, checkpoint.kind),
        f"{reader(checkpoint.modality)}, {KINDS.get(checkpoint.kind, checkpoint.kind)}",
        identity(checkpoint, means),
        figures,
        tuple(listings),
        _missing(checkpoint, targets, status, has_pairs=bool(profiles)),
    )


def identity(checkpoint: CheckpointFacts, means: Sequence[Mapping[str, Any]]) -> tuple[Term, ...]:
    """Return what a checkpoint is, as pairs of a heading and a value; what nobody knows is left out."""
    step = None if checkpoint.step is None else f"{checkpoint.step:,}"
    tokens = None if checkpoint.tokens_seen is None else f"{checkpoint.tokens_seen:,}"
    parameters = None if checkpoint.parameter_count is None else f"{checkpoint.parameter_count:,}"
    values = {
        "source": checkpoint.source,
        "reference": checkpoint.reference,
        "revision": checkpoint.revision,
        "architecture": checkpoint.architecture,
        "parameters": parameters,
        "family": checkpoint.family,
        "objective": checkpoint.objective,
        "trained on": checkpoint.training_data,
        "training run": checkpoint.series,
        "step": step,
        "tokens seen": tokens,
        "seed": None if checkpoint.seed is None else str(checkpoint.seed),
        "licence": checkpoint.licence,
    }
    terms = [Term(word, value) for word, value in values.items() if value]
    return (*terms, *(Term(f"mean of {row['suite']}", _mean(row)) for row in means if row["task_count"] > 1))


def index_sheet(
    checkpoints: Sequence[CheckpointFacts],
    pairs: Sequence[PairFacts],
    means: Mapping[int, Sequence[Mapping[str, Any]]],
) -> Sheet:
    """Return the table of all checkpoints, each with its best partner of another modality.

    Args:
        checkpoints: those in use.
        pairs: all pairs of the main target.
        means: rows of `mean_scores.sql` by checkpoint; the suite with the most tasks is shown.
    """
    modality = {checkpoint.checkpoint_id: checkpoint.modality for checkpoint in checkpoints}
    best: dict[int, tuple[PairFacts, str]] = {}
    for pair in pairs:
        if modality.get(pair.left_id) == modality.get(pair.right_id):
            continue
        for own, other in ((pair.left_id, pair.right_name), (pair.right_id, pair.left_name)):
            if own not in best or best[own][0].score < pair.score:
                best[own] = (pair, other)
    rows = [
        _index_row(checkpoint, best.get(checkpoint.checkpoint_id), means.get(checkpoint.checkpoint_id, ()))
        for checkpoint in checkpoints
    ]
    fields = tuple(
        field for field in INDEX_FIELDS if field.key != "mean" or any(row["mean"] is not None for row in rows)
    )
    return Sheet(fields, tuple(rows))


def _index_row(
    checkpoint: CheckpointFacts, best: tuple[PairFacts, str] | None, means: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    several = [row for row in means if row["task_count"] > 1]
    mean = max(several, key=lambda row: row["task_count"])["value"] if several else None
    row = {
        "name": checkpoint.name,
        "href": f"#{slug_of(checkpoint)}",
        "things": things(checkpoint.modality),
        "kind": KINDS.get(checkpoint.kind, checkpoint.kind),
        "parameter_count": checkpoint.parameter_count,
        "mean": mean,
    }
    if best is None:
        return row
    pair, partner = best
    extent = interval(pair.ci_low, pair.ci_high)
    return {**row, "partner": partner, "score": pair.score, "interval": extent, "p": pair.p}


def _mean(row: Mapping[str, Any]) -> str:
    chance = "" if row["chance"] is None else f", chance {score(row['chance'])}"
    return f"{score(row['value'])} ({row['metric']} over {plural(row['task_count'], 'task')}{chance})"


def _nearest(asked: Asked, target: TargetFacts) -> Listing:
    rows = tuple(
        {
            **row,
            "things": things(row["modality"]),
            "interval": interval(row["ci_low"], row["ci_high"]),
            "layers": f"{row['layer']} {TIMES} {row['other_layer']}",
        }
        for row in asked.rows
    )
    title = f"Nearest checkpoints of each modality, {target.name}"
    return Listing(title, Sheet(NEAREST_FIELDS, rows), (asked.query,))


def _scores(asked: Asked) -> Listing:
    rows = tuple(asked.rows)
    fields = tuple(
        field for field in SCORE_FIELDS if any(row[field.key] not in (None, "valid") for row in rows)
    )
    queries: tuple[Query, ...] = (asked.query,)
    return Listing(
        "Scores", Sheet(fields, rows), queries, empty="no task was measured: cavewall score run BATTERY"
    )


def _missing(
    checkpoint: CheckpointFacts,
    targets: Sequence[TargetFacts],
    status: Mapping[int, Status],
    *,
    has_pairs: bool,
) -> tuple[Missing, ...]:
    found = []
    for target in targets:
        if checkpoint.modality not in target.modalities:
            continue
        why = why_not_embedded(checkpoint, target, status.get(target.dataset_id, {}))
        if why:
            found.append(Missing("alignment", why, f"cavewall embed extract {checkpoint.name}"))
    if not found and not has_pairs and targets:
        found.append(Missing("alignment", "no pair is computed yet", "cavewall align run"))
    return tuple(found)
