"""What is done to a layer before it is compared: an ordered list of steps, then a similarity.

The steps change all rows of a layer at once, in float64, one after the other:

- `centre`: each column less its mean.
- `l2`: each row scaled to length 1; rows of zeros stay zeros.
- `whiten:R`: centred, then the R leading principal components, each of sample variance 1 (divisor n - 1).
  Refused where R is above the rank of the centred layer.
- `clipQ`, `clipQ-all`, `clipQ-layer`: every entry x to [-c, c], Q a whole percentage, with three rules for c:
    - `clipQ` is the command in the README of the released code: the mean over the items of the Q/100 quantile
      of |x| over all entries of an item in *all layers* of the embedding, interpolated linearly;
    - `clipQ-all` is its `--precise`: among the N sorted |x| of all items and *all layers* together the one
      at position int(Q/100 * N), from 0;
    - `clipQ-layer` is what it does to layers of different widths, which come as a list: as `clipQ`, of *each
      layer* alone.

`exclude:NAME` changes no row: it leaves pairs out of neighbour lists. `concat:raw` and `concat:l2` add one
layer behind the others: all layers of the embedding side by side, as they are stored or each with its rows
scaled to length 1. The steps are then applied to it as to a layer that stands alone: the bounds of its clips
are its own, which for a raw one that is clipped first are those of all layers.

The similarity is `cosine`, `inner` (the inner product) or `euclidean` (nearer is more alike).

Source of the clips: the released code of Huh et al. 2024, arXiv 2405.07987, with Q = 95.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

if TYPE_CHECKING:
    from torch import Tensor

Similarity = Literal["cosine", "inner", "euclidean"]
Concatenation = Literal["raw", "l2"]
Scope = Literal["items", "all", "layer"]
STEPS: tuple[str, ...] = ("centre", "l2", "whiten:R", "clip95", "clip95-all", "clip95-layer")
SIMILARITIES: tuple[str, ...] = get_args(Similarity)
EXCLUDE = "exclude:"
CONCATENATE = "concat:"
CONCATENATIONS: tuple[str, ...] = get_args(Concatenation)
_CLIP = re.compile(r"clip([1-9][0-9]?)(-all|-layer)?")
_WHITEN = re.compile(r"whiten:([1-9][0-9]*)")


@dataclass(frozen=True)
class Clip:
    """How entries are bounded.

    Attributes:
        percent: 1 to 99.
        scope: `items`, the mean of the items' quantiles over all layers; `all`, an order statistic of all
            entries of all layers; `layer`, the mean of the items' quantiles of each layer.
    """

    percent: int
    scope: Scope


@dataclass(frozen=True)
class Recipe:
    """Steps in their order and the similarity that ends them, for example `exclude:NAME,centre,cosine`.

    Attributes:
        steps: what changes the layer, in order.
        similarity: how two rows are compared.
        exclusions: names of relations of the data set whose pairs are no neighbours, sorted.
        concatenation: whether all layers side by side are one more layer, and how they stand there.
    """

    steps: tuple[str, ...]
    similarity: str
    exclusions: tuple[str, ...] = ()
    concatenation: Concatenation | None = None

    @property
    def text(self) -> str:
        """The recipe as it is stored: sorted exclusions, concatenation, steps, similarity."""
        excluded = (f"{EXCLUDE}{name}" for name in self.exclusions)
        joined = () if self.concatenation is None else (f"{CONCATENATE}{self.concatenation}",)
        return ",".join((*excluded, *joined, *self.steps, self.similarity))

    @property
    def needs_all_layers(self) -> bool:
        """Whether a step of one layer depends on the others (`steps.clip_bounds`)."""
        return any(spans_layers(step) for step in self.steps)


def clip_of(step: str) -> Clip | None:
    """Return how a step bounds entries, None for a step that does not."""
    found = _CLIP.fullmatch(step)
    if found is None:
        return None
    return Clip(int(found[1]), cast("Scope", (found[2] or "-items")[1:]))


def spans_layers(step: str) -> bool:
    """Return whether what a step does to one layer depends on all layers of the embedding."""
    clip = clip_of(step)
    return clip is not None and clip.scope != "layer"


def whitened_dimensions(step: str) -> int | None:
    """Return how many principal components a step keeps, None for a step that whitens nothing."""
    found = _WHITEN.fullmatch(step)
    return None if found is None else int(found[1])


def parse_recipe(text: str) -> Recipe:
    """Return the recipe of a comma-separated text, whatever the place of its exclusions and concatenation.

    Steps keep their order. One that changes nothing counts as not there: `centre`, `l2`, `whiten:R` and
    `clipQ-all` right behind themselves, `centre` right before or behind a whitening, `l2` right before the
    cosine. A repeated `clip95` stays: it clips what is left once more.

    Raises:
        ValueError: a step or the similarity at the end is unknown, layers are laid side by side in two
            ways, or what is whitened is whitened again to other dimensions.
    """
    *words, similarity = [word.strip() for word in text.split(",")]
    if similarity not in SIMILARITIES:
        raise ValueError(f"a recipe ends with a similarity ({', '.join(SIMILARITIES)}), found '{similarity}'")
    steps: list[str] = []
    exclusions, concatenations = set(), set()
    for word in words:
        excluded, joined = word.removeprefix(EXCLUDE), word.removeprefix(CONCATENATE)
        if excluded and excluded != word:
            exclusions.add(excluded)
        elif joined != word and joined in CONCATENATIONS:
            concatenations.add(joined)
        elif _is_step(word):
            _append(steps, word)
        else:
            known = (*STEPS, f"{CONCATENATE}raw", f"{CONCATENATE}l2", f"{EXCLUDE}NAME")
            raise ValueError(f"no recipe step '{word}' (known: {', '.join(known)})")
    if len(concatenations) > 1:
        raise ValueError("a recipe lays layers side by side once: concat:raw or concat:l2")
    if similarity == "cosine" and steps and steps[-1] == "l2":
        steps.pop()
    concatenation = cast("Concatenation | None", next(iter(concatenations), None))
    return Recipe(tuple(steps), similarity, tuple(sorted(exclusions)), concatenation)


def _is_step(word: str) -> bool:
    return word in ("centre", "l2") or clip_of(word) is not None or whitened_dimensions(word) is not None


def _append(steps: list[str], step: str) -> None:
    """Add a step behind others, unless it changes nothing there or makes the last one superfluous."""
    last = steps[-1] if steps else ""
    clip, dimensions, before = clip_of(step), whitened_dimensions(step), whitened_dimensions(last)
    is_idempotent = clip is None or clip.scope == "all"
    if (step == last and is_idempotent) or (step == "centre" and before is not None):
        return
    if dimensions is not None and before is not None:
        raise ValueError(
            f"a recipe step '{step}' right behind '{last}': all components are equally long there"
        )
    if dimensions is not None and last == "centre":
        steps.pop()
        _append(steps, step)
        return
    steps.append(step)


def prepared_rows(layer: Tensor, recipe: Recipe, bounds: tuple[float, ...] | None = None) -> Tensor:
    """Return a layer after the recipe's steps, (n, d) float64, under `cosine` with rows of length 1.

    Rows of length zero stay zero: they are equally similar to everything.

    Args:
        layer: (n, d).
        recipe: what is done.
        bounds: of its clips over all layers (`steps.clip_bounds`); None for a layer that stands alone.

    Raises:
        ValueError: the layer is not a matrix, holds NaN or infinity, or a step is not defined for it.
    """
    from compute.steps import finished, finite_rows  # here, so that a target is registered without torch

    return finished(finite_rows(layer), recipe, bounds)


def prepare(layer: Tensor, recipe: Recipe, bounds: tuple[float, ...] | None = None) -> Tensor:
    """Return `prepared_rows` in float32: a layer ready for the search for neighbours.

    Raises:
        ValueError: the layer is not a matrix, holds NaN or infinity, or a step is not defined for it.
    """
    import torch

    return prepared_rows(layer, recipe, bounds).to(torch.float32)
