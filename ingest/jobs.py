"""What there is to extract: one checkpoint on one data set by one rule, or all that is missing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from ingest.extraction import Rule, check_rule, default_rule, ensure_extraction
from ingest.recording import find_pair, ready_embedding, require_modality
from ingest.trust import NO_TRUST, Trust
from registry.errors import NotFoundError, UsageError
from registry.handle import Registry
from registry.lookup import current_name
from registry.tables import Checkpoint, Dataset, Embedding, Extraction


@dataclass(frozen=True)
class Job:
    """One checkpoint to embed."""

    checkpoint: Checkpoint
    name: str
    dataset: Dataset
    rule: Rule
    subject: str


def prepare(
    registry: Registry, checkpoint_id: int, dataset_id: int, rule: Rule | None
) -> tuple[Job, Embedding | None]:
    """Return one job, and the embedding that is ready for it already, if there is one.

    Raises:
        NotFoundError: the checkpoint or the data set is not registered.
        UsageError: the checkpoint is retired, or the rule cannot be followed.
        EmbeddingMismatch: the checkpoint does not read what the data set holds.
    """
    with registry.write() as session:
        checkpoint, dataset = find_pair(session, checkpoint_id, dataset_id)
        name = current_name(session, checkpoint_id)
        chosen = rule or default_rule(checkpoint.modality)
        check_rule(chosen)
        require_modality(chosen.modality, checkpoint, dataset, f"embedding of {name} on {dataset.name}")
        extraction = ensure_extraction(session, chosen)
        ready = ready_embedding(session, checkpoint_id, dataset_id, extraction.id)
    if checkpoint.retired_at is not None:
        raise UsageError(
            f"{name} is retired: {checkpoint.retired_reason}", hint=f"cavewall checkpoint restore {name}"
        )
    return _job(checkpoint, name, dataset, chosen, extraction), ready


def _job(checkpoint: Checkpoint, name: str, dataset: Dataset, rule: Rule, extraction: Extraction) -> Job:
    subject = f"checkpoint {checkpoint.id}, dataset {dataset.id}, extraction {extraction.id}"
    return Job(checkpoint, name, dataset, rule, subject)


def find_missing(
    registry: Registry, dataset_id: int, checkpoint_ids: Collection[int] | None, trust: Trust = NO_TRUST
) -> tuple[list[Job], int, int]:
    """Return what is to be embedded, how many already are, and how many cannot be."""
    jobs: list[Job] = []
    already = skipped = 0
    with registry.write() as session:
        dataset = session.get(Dataset, dataset_id)
        if dataset is None:
            raise NotFoundError(
                f"no data set has the id {dataset_id}",
                hint="'cavewall dataset list' shows what is registered",
            )
        rules = {modality: default_rule(modality) for modality in dataset.modalities}
        rows = {modality: ensure_extraction(session, rule) for modality, rule in rules.items()}
        statement = select(Checkpoint).where(
            Checkpoint.retired_at.is_(None), Checkpoint.modality.in_(dataset.modalities)
        )
        for checkpoint in session.scalars(statement.order_by(Checkpoint.id)):
            if checkpoint_ids is not None and checkpoint.id not in checkpoint_ids:
                continue
            extraction = rows[checkpoint.modality]
            if ready_embedding(session, checkpoint.id, dataset_id, extraction.id) is not None:
                already += 1
            elif _is_extractable(checkpoint, trust):
                name = current_name(session, checkpoint.id)
                jobs.append(_job(checkpoint, name, dataset, rules[checkpoint.modality], extraction))
            else:
                skipped += 1
    return jobs, already, skipped


def _is_extractable(checkpoint: Checkpoint, trust: Trust) -> bool:
    """Return whether a checkpoint is resolved and has a network; others get their embeddings as arrays."""
    if checkpoint.entry_point is not None and checkpoint.entry_point not in trust.entry_points:
        return False
    has_network = checkpoint.source != "path" or checkpoint.architecture != "unknown"
    return checkpoint.resolved is not None and has_network
