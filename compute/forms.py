"""Layers made ready for a metric on features, as rows and files: computed once, kept, read by every unit."""

from __future__ import annotations

import numpy as np
from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from compute.layercache import Arrays
from registry.clock import now
from registry.errors import StoreError
from registry.handle import Registry
from registry.layers import read_all_layers
from registry.store import StoredFile
from registry.tables import Embedding, LayerForm, Slot, Target

UNFIT = "unfit for the metric"  # the stage of failures


def unfit_subject(embedding_key: str, target_key: str) -> str:
    """Return what the failure of an embedding is recorded as that a target's metric is not defined for."""
    return f"embedding {embedding_key} in target {target_key}"


def unformed(session: Session, target: Target, form: str) -> list[Embedding]:
    """Return the embeddings of a target's live slots whose layers are not made ready yet.

    Args:
        session: to read from.
        target: whose slots.
        form: the key of what is made (`catalogue.form_key`).
    """
    has_form = exists().where(
        LayerForm.embedding_id == Embedding.id, LayerForm.recipe == target.recipe, LayerForm.form == form
    )
    statement = (
        select(Embedding)
        .join(Slot, Slot.embedding_id == Embedding.id)
        .where(Slot.target_id == target.id, Slot.is_live, ~has_form)
        .order_by(Embedding.id)
    )
    return list(session.scalars(statement))


def form_row(embedding_id: int, recipe: str, form: str, stored: StoredFile) -> LayerForm:
    """Return the row of a file of layers that were made ready."""
    return LayerForm(
        embedding_id=embedding_id,
        recipe=recipe,
        form=form,
        uri=stored.uri,
        sha256=stored.sha256,
        created_at=now(),
    )


def read_form(registry: Registry, embedding_id: int, recipe: str, form: str) -> Arrays:
    """Return the stored arrays of an embedding, each with a leading axis of layers.

    Raises:
        StoreError: they are not there, or their file is damaged.
    """
    with registry.read() as session:
        row = session.scalar(
            select(LayerForm).where(
                LayerForm.embedding_id == embedding_id, LayerForm.recipe == recipe, LayerForm.form == form
            )
        )
    if row is None:
        raise StoreError(
            f"embedding {embedding_id} has no layers made ready by '{recipe}' for this metric",
            hint="run 'cavewall align run' again: it makes them",
        )
    return read_all_layers(registry.store, row.uri, row.sha256)


def stacked(layers: list[dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Return the arrays of all layers of an embedding, each with a leading axis of layers."""
    return {name: np.stack([layer[name] for layer in layers]) for name in layers[0]}
