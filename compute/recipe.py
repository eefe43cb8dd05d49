"""What is done to a layer before neighbours are looked for: an ordered list of steps, then a similarity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    from torch import Tensor

Step = Literal["centre"]
Similarity = Literal["cosine"]
STEPS: tuple[str, ...] = get_args(Step)
SIMILARITIES: tuple[str, ...] = get_args(Similarity)
EXCLUDE = "exclude:"


@dataclass(frozen=True)
class Recipe:
    """Steps in their order and the similarity that ends them, for example `exclude:NAME,centre,cosine`.

    Attributes:
        steps: what changes the layer, in order.
        similarity: how two rows are compared.
        exclusions: names of relations of the data set whose pairs are no neighbours, sorted.
    """

    steps: tuple[str, ...]
    similarity: str
    exclusions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The recipe as it is stored: exclusions first, sorted; then the steps, and the similarity."""
        excluded = (f"{EXCLUDE}{name}" for name in self.exclusions)
        return ",".join((*excluded, *self.steps, self.similarity))


def parse_recipe(text: str) -> Recipe:
    """Return the recipe of a comma-separated text, whatever the place of its exclusions.

    A step that stands twice counts once: centring what is centred changes nothing.

    Raises:
        ValueError: a step or the similarity at the end is unknown.
    """
    *words, similarity = [word.strip() for word in text.split(",")]
    if similarity not in SIMILARITIES:
        raise ValueError(f"a recipe ends with a similarity ({', '.join(SIMILARITIES)}), found '{similarity}'")
    steps: dict[str, None] = {}
    exclusions: set[str] = set()
    for word in words:
        name = word.removeprefix(EXCLUDE)
        if word in STEPS:
            steps[word] = None
        elif name and name != word:
            exclusions.add(name)
        else:
            raise ValueError(f"no recipe step '{word}' (known: {', '.join(STEPS)}, {EXCLUDE}NAME)")
    return Recipe(tuple(steps), similarity, tuple(sorted(exclusions)))


def prepare(layer: Tensor, recipe: Recipe) -> Tensor:
    """Return a layer ready for inner products: float32, (n, d), the recipe's steps applied in float64.

    Rows of length zero stay zero: they are equally similar to everything.

    Raises:
        ValueError: the layer is not a matrix, or holds NaN or infinity.
    """
    import torch  # here, so that a target is registered without it

    if layer.ndim != 2:
        raise ValueError(f"a layer is a matrix, found {layer.ndim} dimensions")
    rows = layer.to(torch.float64)
    if not bool(torch.isfinite(rows).all()):
        raise ValueError("a layer holds NaN or infinity")
    for _step in recipe.steps:  # `centre` is the only one so far
        rows = rows - rows.mean(dim=0, keepdim=True)
    norms = rows.norm(dim=1, keepdim=True)
    rows = rows / torch.where(norms > 0, norms, torch.ones_like(norms))
    return rows.to(torch.float32)
