"""What the exclusions of a recipe mean for a target: who they are, and how many candidates they leave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from compute.recipe import parse_recipe
from registry.errors import UsageError
from registry.exclusions import find_exclusions, read_exclusions, too_much_excluded
from registry.items import ITEM_ID, read_columns
from registry.store import Store
from registry.tables import Dataset


@dataclass(frozen=True)
class Excluded:
    """The exclusions of a recipe.

    Attributes:
        content_keys: of each of them, sorted.
        degrees: (n,) how many other items each item loses to all of them; None where there is none.
    """

    content_keys: tuple[str, ...] = ()
    degrees: NDArray[np.int64] | None = None


def excluded_by(session: Session, store: Store, dataset: Dataset, recipe: str, k: int) -> Excluded:
    """Return what a recipe's exclusions take, after it was checked that enough is left.

    Raises:
        NotFoundError: the data set has no exclusion of a name.
        UsageError: together they exclude more than a tenth of all pairs, or leave an item fewer than k
            candidates.
        StoreError: a sidecar is missing or damaged.
    """
    names = parse_recipe(recipe).exclusions
    pairs = read_exclusions(session, store, dataset, names)
    if pairs is None:
        return Excluded()
    if pairs.is_too_much:
        raise too_much_excluded(f"the recipe '{recipe}'", len(pairs), dataset)
    least = int(pairs.degrees.argmax())
    candidates = dataset.item_count - 1 - int(pairs.degrees[least])
    if candidates < k:
        item = read_columns(store, dataset, [ITEM_ID])[ITEM_ID][least]
        raise UsageError(
            f"k is {k}, and the recipe '{recipe}' leaves item '{item}' of data set {dataset.name} "
            f"{candidates} of {dataset.item_count - 1} candidates",
            hint="give a smaller --k, or a narrower exclusion",
        )
    keys = sorted(row.content_key for row in find_exclusions(session, dataset, names))
    return Excluded(tuple(keys), pairs.degrees)
