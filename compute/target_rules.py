"""What identifies a target, what it is called, and which rules mean nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from compute.catalogue import MetricInfo, metric_info, parameters_of
from compute.recipe import EXCLUDE, SIMILARITIES, STEPS, parse_recipe, whitened_dimensions
from registry.errors import UsageError
from registry.lookup import nearest
from registry.tables import Dataset

DEFAULT_DRAWS = 500
FEWEST_DRAWS = 19  # below it no p-value reaches 0.05
FEWEST_ITEMS = 4  # the U-centred kernels divide by n - 3


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
    """Everything that identifies a target beside its data set and its extractions, and its draws.

    Attributes:
        metric: as in the catalogue.
        k: the parameter of that name, as it is most often given; None leaves it to `parameters`.
        recipe: what is done to a layer first, and how rows are compared.
        reducer: of all layer pairs, or the last layers.
        pairs: all pairs, or those across modalities.
        null: how it is calibrated.
        parameters: of the metric, where they are not the default.
    """

    metric: str = "mutual_knn"
    k: int | None = None
    recipe: str = "cosine"
    reducer: Literal["max", "last"] = "max"
    pairs: Literal["all", "across"] = "all"
    null: NullRule = NullRule()
    parameters: Mapping[str, Any] = field(default_factory=dict, hash=False)


def canonical_rule(rule: TargetRule) -> TargetRule:
    """Return the same rule with all parameters of its metric, and the recipe as it is stored.

    Raises:
        UsageError: the metric, a parameter or a word of the recipe is unknown, or k is given twice.
    """
    given = dict(rule.parameters)
    if rule.k is not None:
        if given.get("k", rule.k) != rule.k:
            raise UsageError(f"k is {rule.k} and {given['k']}", hint="say it once")
        given["k"] = rule.k
    if "k" in given and not metric_info(rule.metric).has_neighbours:
        raise UsageError(
            f"metric {rule.metric} looks at no neighbours, so it takes no k",
            hint=f"leave --k out; its parameters: cavewall metric show {rule.metric}",
        )
    if isinstance(given.get("k"), int) and given["k"] < 1:
        del given["k"]  # `check_rule` says what the data set allows
        parameters = parameters_of(rule.metric, given) | {"k": rule.parameters.get("k", rule.k)}
    else:
        parameters = parameters_of(rule.metric, given)
    return replace(rule, k=None, parameters=parameters, recipe=_canonical_recipe(rule.recipe))


def check_rule(rule: TargetRule, dataset: Dataset) -> None:
    """Raise unless a canonical rule means something for a data set.

    Raises:
        UsageError: it does not; the message says why and the hint what to change.
    """
    info = metric_info(rule.metric)
    _check_null(rule.null)
    _check_items(rule, info, dataset)
    _check_recipe(rule, info, dataset.item_count)


def default_name(dataset: str, rule: TargetRule) -> str:
    """Return the name of a target that was given none.

    k is always said, other parameters where they are not the default.
    """
    usual = parameters_of(rule.metric, {})
    changed = {
        name: value
        for name, value in parameters_of(rule.metric, _given(rule)).items()
        if name == "k" or value != usual[name]
    }
    parts = [rule.metric.replace("_", "-")]
    parts += [f"k{value}" if name == "k" else f"{name}-{_plain(value)}" for name, value in changed.items()]
    *words, similarity = rule.recipe.split(",")
    parts += [step.replace(":", "-") for step in words]
    parts += [] if similarity == "cosine" else [similarity]
    parts += [] if rule.reducer == "max" else [rule.reducer]
    parts += [] if rule.pairs == "all" else [rule.pairs]
    parts += [
        f"{name}-{value}".replace(":", "-") for name, value in rule.null.identity.get("null", {}).items()
    ]
    return f"{dataset}/{'-'.join(parts)}"


def _given(rule: TargetRule) -> dict[str, Any]:
    return dict(rule.parameters) | ({} if rule.k is None else {"k": rule.k})


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _canonical_recipe(recipe: str) -> str:
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


def _check_items(rule: TargetRule, info: MetricInfo, dataset: Dataset) -> None:
    n = dataset.item_count
    if n < FEWEST_ITEMS:
        raise UsageError(
            f"data set {dataset.name} has {n} items, expected at least {FEWEST_ITEMS}",
            hint="with fewer no metric means anything; add a larger data set",
        )
    k = rule.parameters.get("k")
    if k is not None and not 1 <= k < n:
        raise UsageError(
            f"k is {k}, expected 1 to {n - 1}: data set {dataset.name} has {n} items",
            hint="give a smaller --k" if k >= n else "give a larger --k",
        )
    dimensions = rule.parameters.get("dimensions")
    if info.name == "svcca" and dimensions is not None and 2 * dimensions >= n - 1:
        raise UsageError(
            f"2 x {dimensions} dimensions of svcca, expected together fewer than {n - 1}: any two such "
            f"subspaces of {n} items meet, and every score would be 1",
            hint=f"give at most --set dimensions={max(1, (n - 2) // 2)}, or use unbiased_cka",
        )


def _check_recipe(rule: TargetRule, info: MetricInfo, item_count: int) -> None:
    recipe = parse_recipe(rule.recipe)
    if recipe.similarity not in info.similarities:
        raise UsageError(
            f"metric {info.name} takes a recipe that ends with {' or '.join(info.similarities)}, "
            f"found '{recipe.similarity}'",
            hint=f"end --recipe with {info.similarities[0]}",
        )
    if recipe.exclusions and not info.has_neighbours:
        raise UsageError(
            f"metric {info.name} looks at no neighbours, so the recipe '{rule.recipe}' can leave none out",
            hint=f"leave {EXCLUDE}{recipe.exclusions[0]} out, or use mutual_knn or cknna",
        )
    kept = max((whitened_dimensions(step) or 0 for step in recipe.steps), default=0)
    if kept >= item_count:
        raise UsageError(
            f"the recipe '{rule.recipe}' keeps {kept} principal components, expected at most "
            f"{item_count - 1}: centred layers of {item_count} items have no more",
            hint=f"write whiten:{item_count - 1} or less",
        )
    if recipe.concatenation is not None and rule.reducer == "last":
        raise UsageError(
            "a concatenation of all layers means nothing to the reducer 'last', which takes the last layers",
            hint="leave --reducer out, or leave concat out of --recipe",
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
