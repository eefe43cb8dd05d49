"""Which embeddings have what a target's metric needs of them: neighbour lists, or layers made ready."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.orm import Session

from compute.catalogue import MetricInfo, form_key, metric_info
from compute.lists import kept_for
from compute.slots import candidates_statement
from compute.versions import NEIGHBOURS_VERSION
from registry.tables import Embedding, LayerForm, Metric, Neighbours, Slot, Target


@dataclass(frozen=True)
class Needs:
    """What a target needs of every embedding.

    Attributes:
        info: its metric.
        parameters: of the metric.
        k_max: how many neighbours its lists keep; None for a metric that has no stored lists.
        is_there: the condition that an embedding has it.
        key: equal for targets of one data set that need the same of an embedding.
    """

    info: MetricInfo
    parameters: dict[str, int | float | str]
    k_max: int | None
    is_there: ColumnElement[bool]
    key: tuple[str, str] = ("", "")

    @property
    def words(self) -> str:
        """What is missing where it is missing."""
        return "neighbours" if self.k_max is not None else "layers"


@dataclass(frozen=True)
class Unready:
    """How many embeddings lack what is needed, and how many layers they have together."""

    embeddings: int
    layers: int


def needs_of(session: Session, target: Target) -> Needs:
    """Return what a target needs of its embeddings.

    Raises:
        NotFoundError: the data set has no exclusion of a name in the recipe.
    """
    metric = session.get_one(Metric, target.metric_id)
    info, parameters = metric_info(metric.name), dict(metric.parameters)
    if info.needs == "neighbours":
        k_max = kept_for(session, target)
        has_lists = exists().where(
            Neighbours.embedding_id == Embedding.id,
            Neighbours.recipe == target.recipe,
            Neighbours.k_max == k_max,
            Neighbours.code_version == NEIGHBOURS_VERSION,
        )
        return Needs(info, parameters, k_max, has_lists, (target.recipe, f"lists {k_max}"))
    form = form_key(info.name, parameters)
    has_form = exists().where(
        LayerForm.embedding_id == Embedding.id,
        LayerForm.recipe == target.recipe,
        LayerForm.form == form,
    )
    return Needs(info, parameters, None, has_form, (target.recipe, form))


def unready(session: Session, target: Target, needs: Needs) -> Unready:
    """Count the embeddings, of live slots and of slots to come, that lack what the target needs."""
    of_slots = (
        select(func.count(), func.coalesce(func.sum(Embedding.layer_count), 0))
        .select_from(Slot)
        .join(Embedding, Embedding.id == Slot.embedding_id)
        .where(Slot.target_id == target.id, Slot.is_live, ~needs.is_there)
    )
    ahead = candidates_statement(target, needs.info.name).where(~needs.is_there).subquery()
    layers = select(func.count(), func.coalesce(func.sum(ahead.c[2]), 0)).select_from(ahead)
    found = [session.execute(statement).one() for statement in (of_slots, layers)]
    return Unready(sum(int(row[0]) for row in found), sum(int(row[1]) for row in found))
