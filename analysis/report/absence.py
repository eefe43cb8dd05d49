"""What is not there, why, and the command that changes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from analysis.report.contents import Missing
from analysis.report.facts import CheckpointFacts, TargetFacts
from analysis.report.wording import listed, plural

Status = Mapping[int, str | None]


def why_not_embedded(checkpoint: CheckpointFacts, target: TargetFacts, status: Status) -> str | None:
    """Return why a checkpoint has no embedding of a target's items, None where it has one.

    Args:
        checkpoint: whose embedding.
        target: on what.
        status: of each checkpoint's embedding of the data set, None where it has none.
    """
    found = status.get(checkpoint.checkpoint_id)
    if found == "ready":
        return None
    if found is None:
        return f"{checkpoint.name} has no embedding of {target.dataset}"
    return f"the embedding of {checkpoint.name} is {found}"


def why_no_pair(left: CheckpointFacts, right: CheckpointFacts, target: TargetFacts, status: Status) -> str:
    """Return why two checkpoints have no score."""
    reasons = [why_not_embedded(side, target, status) for side in (left, right)]
    return "; ".join(reason for reason in reasons if reason) or "not computed yet: cavewall align run"


def missing_of_zoo(
    checkpoints: Sequence[CheckpointFacts],
    targets: Sequence[TargetFacts],
    status: Mapping[int, Status],
    *,
    is_stale: bool,
    has_scores: bool,
) -> tuple[Missing, ...]:
    """Return what a zoo lacks, in the order in which one would go about it.

    Args:
        checkpoints: those in use.
        targets: the matrices of pairs.
        status: of the embeddings, by data set and checkpoint.
        is_stale: whether the registry has moved on since the snapshot.
        has_scores: whether any checkpoint has a mean over several tasks.
    """
    found: list[Missing] = []
    if is_stale:
        why = "the registry has changed since this snapshot was made"
        found.append(Missing("what is newest", why, "cavewall snapshot build"))
    if not checkpoints:
        found.append(Missing("checkpoints", "none is registered", "cavewall checkpoint add REFERENCE"))
    if not targets:
        why = "no matrix of pairs is wanted yet"
        found.append(Missing("alignments", why, "cavewall target add --dataset NAME"))
    for target in targets:
        found += missing_of_target(checkpoints, target, status.get(target.dataset_id, {}))
    if checkpoints and not has_scores:
        found.append(Missing("scores", "no task was measured", "cavewall score run BATTERY"))
    found += _of_checkpoints(checkpoints)
    return tuple(dict.fromkeys(found))


def missing_of_target(
    checkpoints: Sequence[CheckpointFacts], target: TargetFacts, status: Status
) -> list[Missing]:
    """Return what a matrix of pairs lacks."""
    found: list[Missing] = []
    lacking = [
        checkpoint.name
        for checkpoint in checkpoints
        if checkpoint.modality in target.modalities and why_not_embedded(checkpoint, target, status)
    ]
    if lacking:
        what = f"{plural(len(lacking), 'checkpoint')} of {len(checkpoints):,} in {target.dataset}"
        command = f"cavewall embed extract {lacking[0] if len(lacking) == 1 else 'NAME'}"
        found.append(Missing(what, f"no usable embedding: {listed(lacking)}", command))
    if target.fresh_count < target.pair_count:
        what = f"{target.pair_count - target.fresh_count:,} of {target.pair_count:,} pairs of {target.name}"
        found.append(Missing(what, "not computed yet", "cavewall align run"))
    if target.calibrated_count < target.fresh_count:
        what = f"chance of {target.fresh_count - target.calibrated_count:,} of {target.fresh_count:,} pairs"
        why = f"{target.name}: their null is not done with {target.draws:,} draws"
        found.append(Missing(what, why, "cavewall align run"))
    if target.blocked_count:
        what = f"{plural(target.blocked_count, 'further pair')} of {target.name}"
        found.append(Missing(what, "an embedding is missing or corrupt", "cavewall embed list"))
    if target.licence is None and target.credit is None:
        found.append(Missing(f"the licence of {target.dataset}", "nobody stated it"))
    return found


def _of_checkpoints(checkpoints: Sequence[CheckpointFacts]) -> list[Missing]:
    floating = [
        checkpoint.name
        for checkpoint in checkpoints
        if checkpoint.revision is None and checkpoint.source != "baseline"
    ]
    if not floating:
        return []
    what = f"the revision of {plural(len(floating), 'checkpoint')}"
    return [Missing(what, f"a moving name could not be resolved: {listed(floating)}")]
