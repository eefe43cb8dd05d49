"""Everything that is known about one checkpoint or one data set."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from sqlalchemy import inspect, select
from sqlalchemy.orm import Session

from registry.errors import StoreError
from registry.exclusions import list_exclusions, share_of_pairs
from registry.items import GROUP_ID, class_counts
from registry.listings import list_embeddings, tags_of
from registry.lookup import current_name
from registry.score_listings import list_scores
from registry.store import Store
from registry.tables import Checkpoint, Dataset, Family, Name, Series, Table


def checkpoint_details(session: Session, checkpoint: Checkpoint) -> dict[str, Any]:
    """Return the fields of a checkpoint, its names so far, its embeddings and its scores."""
    family = session.get(Family, checkpoint.family_id) if checkpoint.family_id else None
    series = session.get(Series, checkpoint.series_id) if checkpoint.series_id else None
    names = session.scalars(select(Name).where(Name.checkpoint_id == checkpoint.id).order_by(Name.id))
    ids = [checkpoint.id]
    return {
        "name": current_name(session, checkpoint.id),
        **_fields(checkpoint, without=("id", "family_id", "series_id", "parent_id")),
        "family": family.name if family else None,
        "series": series.name if series else None,
        "parent": current_name(session, checkpoint.parent_id) if checkpoint.parent_id else None,
        "tags": tags_of(session, [checkpoint.id]).get(checkpoint.id, []),
        "names": [
            {"name": row.name, "started_at": row.started_at, "ended_at": row.ended_at} for row in names
        ],
        "embeddings": [
            asdict(line) for line in list_embeddings(session, checkpoint_ids=ids, with_superseded=True)
        ],
        "scores": [asdict(line) for line in list_scores(session, checkpoint_ids=ids)],
    }


def dataset_details(session: Session, dataset: Dataset) -> dict[str, Any]:
    """Return the fields of a data set, what it derives from, its exclusions and its embeddings."""
    parent = session.get(Dataset, dataset.parent_id) if dataset.parent_id else None
    variants = session.scalars(select(Dataset).where(Dataset.parent_id == dataset.id).order_by(Dataset.name))
    same = session.scalars(
        select(Dataset.name)
        .where(
            Dataset.set_fingerprint == dataset.set_fingerprint,
            Dataset.order_fingerprint != dataset.order_fingerprint,
        )
        .order_by(Dataset.name)
    )
    return {
        **_fields(dataset, without=("id", "parent_id")),
        "parent": parent.name if parent else None,
        "relation": _relation(dataset, parent) if parent else None,
        "same_ids_in_another_order": list(same),
        "variants": [
            {"name": row.name, "relation": _relation(row, dataset), "items": row.item_count}
            for row in variants
        ],
        "exclusions": [
            {
                "name": row.name,
                "pairs": row.pair_count,
                "share": share_of_pairs(row.pair_count, dataset.item_count),
                "most_at_one_item": row.largest_degree,
                "rule": row.rule,
            }
            for row in list_exclusions(session, dataset)
        ],
        "embeddings": [asdict(line) for line in list_embeddings(session, dataset_id=dataset.id)],
    }


def _relation(dataset: Dataset, parent: Dataset) -> str:
    """Return how a data set derives from its parent: its ids were checked when it was registered."""
    if dataset.set_fingerprint == parent.set_fingerprint:
        return "captions"
    return "gallery" if dataset.item_count > parent.item_count else "subset"


def item_details(store: Store, dataset: Dataset) -> dict[str, Any]:
    """Return how many groups the items of a data set have, and every covariate with its number of classes.

    Where their file cannot be read, `problem` says why, and the rest is not known.
    """
    try:
        counts = class_counts(store, dataset)
    except StoreError as error:
        return {"problem": error.message, "groups": None, "covariates": None}
    groups = counts.pop(GROUP_ID, None)
    return {
        "problem": None,
        "groups": groups,
        "covariates": [{"name": name, "classes": count} for name, count in counts.items()],
    }


def _fields(row: Table, *, without: tuple[str, ...]) -> dict[str, Any]:
    names = [column.key for column in inspect(type(row)).column_attrs]
    return {name: getattr(row, name) for name in names if name not in without}
