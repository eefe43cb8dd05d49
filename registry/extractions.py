"""Find extraction rules: by the start of their key, or because a data set has embeddings made by them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from registry.errors import NotFoundError
from registry.tables import Embedding, Extraction


def extractions_in_use(session: Session, dataset_id: int) -> list[Extraction]:
    """Return the rules by which a data set has ready embeddings, by modality and age."""
    used = select(Embedding.extraction_id).where(
        Embedding.dataset_id == dataset_id, Embedding.status == "ready"
    )
    statement = select(Extraction).where(Extraction.id.in_(used)).order_by(Extraction.modality, Extraction.id)
    return list(session.scalars(statement))


def find_extraction(session: Session, key: str) -> Extraction:
    """Return the one rule whose content key begins so.

    Raises:
        NotFoundError: no rule, or more than one, does.
    """
    found = session.scalars(select(Extraction).where(Extraction.content_key.startswith(key))).all()
    if len(found) != 1:
        raise NotFoundError(
            f"{len(found)} extractions have a key that begins with '{key}'",
            hint="'cavewall embed list' shows the keys; give enough of one",
        )
    return found[0]
