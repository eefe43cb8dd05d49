"""Checkpoints without weights: a brain, a person's ratings, a model of which only comparisons are known."""

from __future__ import annotations

from sqlalchemy.orm import Session

from ingest.naming import give_name
from ingest.references import check_name
from ingest.rows import get_or_add
from registry.clock import now
from registry.errors import UsageError
from registry.keys import content_key
from registry.tables import Checkpoint

EXTERNAL = "external:"


def external_name(reference: str) -> str | None:
    """Return the name that `external:NAME` gives, or None where a text is something else."""
    name = reference.removeprefix(EXTERNAL)
    return None if name == reference else check_name(name)


def ensure_external(session: Session, name: str, modality: str) -> tuple[Checkpoint, bool]:
    """Return the checkpoint that stands for something without weights, and whether it is new.

    Its identity is its name: a second measurement of the same brain is the same checkpoint. It stands among
    the files (`path`) with no file and no architecture, so that nothing ever tries to run it, and its
    attributes say that there are no weights.

    Args:
        session: where; the caller commits.
        name: what to call it.
        modality: what it reads.

    Raises:
        UsageError: there is no such modality, or it is registered as reading something else.
        ConflictError: another checkpoint has the name.
    """
    if modality not in ("vision", "language"):
        raise UsageError(f"there is no modality '{modality}'", hint="the modalities are vision and language")
    reference = f"{EXTERNAL}{check_name(name)}"
    key = content_key("checkpoint", {"source": "path", "resolved": reference, "step": None})
    new = Checkpoint(
        content_key=key,
        source="path",
        reference=reference,
        resolved=reference,
        modality=modality,
        architecture="unknown",
        attributes={"weights": "none"},
        registered_at=now(),
    )
    row = get_or_add(session, Checkpoint, Checkpoint.content_key == key, lambda: new)
    if row is new:
        give_name(session, row, name)
    elif row.modality != modality:
        raise UsageError(
            f"{reference} is registered as reading {row.modality}, not {modality}",
            hint=f"say --modality {row.modality}, or give it another name",
        )
    return row, row is new
