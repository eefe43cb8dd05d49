"""Targets: what ought to exist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from compute.chance import mutual_knn_chance
from compute.exclusions import excluded_by
from compute.recipe import EXCLUDE, SIMILARITIES, STEPS, parse_recipe
from compute.schemes import scheme_of
from compute.versions import METRIC_VERSIONS
from registry.clock import now
from registry.errors import ConflictError, UsageError
from registry.handle import Registry
from registry.keys import content_key
from registry.lookup import find_dataset, nearest
from registry.tables import Dataset, Extraction, Metric, Slot, Target, TargetExtraction

DEFAULT_DRAWS = 500
FEWEST_DRAWS = 19  # below it no p-value reaches 0.05


@dataclass(frozen=True)
class NullRule:
    """How a target's null is drawn.

    Attributes:
        draws: permutations; not part of the target's identity, so that they can be raised.
        alpha: level of the threshold tau.
        seed: of the permutations.
        scheme: `items`, `groups` (items of one group move together) or `within:COVARIATE`.
    """

    draws: int = DEFAULT_DRAWS
    alpha: float = 0.05
    seed: int = 0
    scheme: str = "items"

    @property
    def identity(self) -> dict[str, Any]:
        """What of it belongs to the target's content key: nothing where all is as usual."""
        usual = NullRule()
        names = ("alpha", "seed", "scheme")
        changed = {name: getattr(self, name) for name in names if getattr(self, name) != getattr(usual, name)}
        return {"null": changed} if changed else {}


@dataclass(frozen=True)
class TargetRule:
    """Everything that identifies a target beside its data set and its extractions, and its draws."""

    metric: str = "mutual_knn"
    k: int = 10
    recipe: str = "cosine"
    reducer: Literal["max", "last"] = "max"
    pairs: Literal["all", "across"] = "all"
    null: NullRule = NullRule()


@dataclass(frozen=True)
class AddedTarget:
    """What `add_target` did.

    `added`; `unchanged` where the same target was there with as many draws or more; `draws raised` where it
    was there with fewer: its nulls are due again, its scores are not.
    """

    target_id: int
    name: str
    outcome: Literal["added", "unchanged", "draws raised"]


def add_target(
    registry: Registry,
    dataset: str | None,
    extraction_ids: Sequence[int],
    rule: TargetRule,
    *,
    name: str | None = None,
) -> AddedTarget:
    """Register a target, or find the one that is the same.

    Args:
        registry: where.
        dataset: the data set's name; None where there is only one.
        extraction_ids: one extraction for each modality whose embeddings take part.
        rule: metric, parameters, recipe, reducer and scope.
        name: what users call it; made of the data set and the rule where it is None.

    Raises:
        UsageError: the metric or the recipe is unknown, k does not fit the data set, the recipe's exclusions
            leave too little, or two extractions have the same modality.
        ConflictError: another target has the name.
        NotFoundError: no such data set, or it has no such exclusion.
    """
    rule = replace(rule, recipe=_canonical(rule.recipe))
    with registry.read() as session:
        row = find_dataset(session, dataset)
        _check_rule(rule, row)
        scheme_of(registry.store, row, rule.null.scheme)  # refuses one that cannot be drawn
        excluded = excluded_by(session, registry.store, row, rule.recipe, rule.k)
    with registry.write() as session:
        extractions = _extractions(session, extraction_ids)
        metric = _metric(session, rule)
        key = content_key(
            "target",
            {
                "dataset": row.content_key,
                "metric": metric.content_key,
                "recipe": rule.recipe,
                "reducer": rule.reducer,
                "pairs": rule.pairs,
                "extractions": sorted(extraction.content_key for extraction in extractions),
                **({"exclusions": list(excluded.content_keys)} if excluded.content_keys else {}),
                **rule.null.identity,
            },
        )
        known = session.scalar(select(Target).where(Target.content_key == key))
        if known is not None:
            return AddedTarget(known.id, known.name, _raise_draws(session, known, rule.null.draws))
        target = Target(
            content_key=key,
            name=_free_name(session, name or default_name(row.name, rule)),
            dataset_id=row.id,
            metric_id=metric.id,
            recipe=rule.recipe,
            reducer=rule.reducer,
            pairs=rule.pairs,
            created_at=now(),
            draws=rule.null.draws,
            alpha=rule.null.alpha,
            seed=rule.null.seed,
            null_scheme=rule.null.scheme,
            chance=mutual_knn_chance(rule.k, row.item_count, excluded.degrees),
        )
        session.add(target)
        session.flush()
        session.add_all(
            TargetExtraction(target_id=target.id, extraction_id=extraction.id, modality=extraction.modality)
            for extraction in extractions
        )
        return AddedTarget(target.id, target.name, "added")


def _raise_draws(session: Session, target: Target, draws: int) -> Literal["unchanged", "draws raised"]:
    """Ask for more draws: every null of the target is due again."""
    if draws <= target.draws:
        return "unchanged"
    target.draws = draws
    session.execute(update(Slot).where(Slot.target_id == target.id).values(null_through=0))
    return "draws raised"


def default_name(dataset: str, rule: TargetRule) -> str:
    """Return the name of a target that was given none."""
    parts = [rule.metric.replace("_", "-"), f"k{rule.k}"]
    parts += [step.replace(":", "-") for step in rule.recipe.split(",")[:-1]]
    parts += [] if rule.reducer == "max" else [rule.reducer]
    parts += [] if rule.pairs == "all" else [rule.pairs]
    parts += [
        f"{name}-{value}".replace(":", "-") for name, value in rule.null.identity.get("null", {}).items()
    ]
    return f"{dataset}/{'-'.join(parts)}"


def _canonical(recipe: str) -> str:
    try:
        return parse_recipe(recipe).text
    except ValueError as error:
        known = (*STEPS, *SIMILARITIES)
        close = next((found for word in recipe.split(",") if (found := _did_you_mean(word, known))), "")
        raise UsageError(
            f"recipe '{recipe}': {error}",
            hint=close or f"for example: cosine, centre,cosine, {EXCLUDE}NAME,cosine",
        ) from error


def _did_you_mean(word: str, known: Sequence[str]) -> str:
    return "" if word.strip() in known else nearest(word, known)


def _check_rule(rule: TargetRule, dataset: Dataset) -> None:
    if rule.metric not in METRIC_VERSIONS:
        known = f"known: {', '.join(METRIC_VERSIONS)}"
        raise UsageError(f"no metric '{rule.metric}'", hint=nearest(rule.metric, METRIC_VERSIONS) or known)
    _check_null(rule.null)
    if not 1 <= rule.k < dataset.item_count:
        raise UsageError(
            f"k is {rule.k}, expected 1 to {dataset.item_count - 1}: data set {dataset.name} has "
            f"{dataset.item_count} items",
            hint="give a smaller --k",
        )


def _check_null(rule: NullRule) -> None:
    if rule.draws < FEWEST_DRAWS:
        raise UsageError(
            f"{rule.draws} draws, expected at least {FEWEST_DRAWS}: with fewer no p-value can reach 0.05",
            hint=f"give --draws {DEFAULT_DRAWS}; a run can leave the null out: cavewall align run --no-null",
        )
    if not 0 < rule.alpha < 1:
        raise UsageError(
            f"alpha is {rule.alpha}, expected a share between 0 and 1", hint="the usual one is 0.05"
        )
    if rule.seed < 0:
        raise UsageError(f"the seed is {rule.seed}, expected 0 or more", hint="leave --seed out: it is 0")


def _extractions(session: Session, ids: Sequence[int]) -> list[Extraction]:
    found = list(session.scalars(select(Extraction).where(Extraction.id.in_(ids)).order_by(Extraction.id)))
    modalities = [extraction.modality for extraction in found]
    if not found or len(set(modalities)) < len(modalities):
        raise UsageError(
            f"a target takes one extraction per modality, found {modalities or 'none'}",
            hint="'cavewall embed list' shows the extractions that are in use",
        )
    return found


def _metric(session: Session, rule: TargetRule) -> Metric:
    identity = {
        "name": rule.metric,
        "parameters": {"k": rule.k},
        "code_version": METRIC_VERSIONS[rule.metric],
    }
    key = content_key("metric", identity)
    metric = session.scalar(select(Metric).where(Metric.content_key == key))
    if metric is None:
        metric = Metric(
            content_key=key,
            name=rule.metric,
            parameters={"k": rule.k},
            is_symmetric=True,
            code_version=METRIC_VERSIONS[rule.metric],
        )
        session.add(metric)
        session.flush()
    return metric


def _free_name(session: Session, name: str) -> str:
    if session.scalar(select(Target.id).where(Target.name == name)) is not None:
        raise ConflictError(f"another target is called '{name}'", hint="give this one its own --name")
    return name
