"""What the steps of a recipe do to a layer, in float64; `compute.recipe` says what each is."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from compute.recipe import Clip, Recipe, clip_of, spans_layers, whitened_dimensions

ENTRIES_AT_ONCE = 2**18  # of rows whose quantiles are looked for: they stay in the cache


def finite_rows(layer: Tensor) -> Tensor:
    """Return a layer as float64.

    Raises:
        ValueError: it is not a matrix, or holds NaN or infinity.
    """
    if layer.ndim != 2:
        raise ValueError(f"a layer is a matrix, found {layer.ndim} dimensions")
    if layer.numel() and not bool(torch.isfinite(torch.stack(layer.aminmax())).all()):  # NaN is passed on
        raise ValueError("a layer holds NaN or infinity")
    return layer.to(torch.float64)


def applied(rows: Tensor, steps: Sequence[str], bounds: Sequence[float] | None = None) -> Tensor:
    """Return rows after some steps.

    Args:
        rows: (n, d) float64.
        steps: in order.
        bounds: of the clips among them that span all layers, in order (`clip_bounds`); None for a layer that
            stands alone.

    Raises:
        ValueError: there are fewer components than a whitening keeps.
    """
    waiting = None if bounds is None else iter(bounds)
    for step in steps:
        clip, dimensions = clip_of(step), whitened_dimensions(step)
        if clip is not None:
            is_given = waiting is not None and spans_layers(step)
            bound = next(waiting) if is_given and waiting is not None else clip_bound([rows], clip)
            rows = rows.clamp(-bound, bound)
        elif dimensions is not None:
            rows = whitened(rows, dimensions)
        else:
            rows = centred(rows) if step == "centre" else unit_rows(rows)
    return rows


def finished(rows: Tensor, recipe: Recipe, bounds: Sequence[float] | None = None) -> Tensor:
    """Return finite rows after a recipe's steps, under `cosine` scaled to length 1.

    Raises:
        ValueError: a step is not defined for the layer.
    """
    rows = applied(rows, recipe.steps, bounds)
    return unit_rows(rows) if recipe.similarity == "cosine" else rows


def centred(rows: Tensor) -> Tensor:
    """Return rows less their mean."""
    return rows - rows.mean(dim=0, keepdim=True)


def unit_rows(rows: Tensor) -> Tensor:
    """Return rows scaled to length 1; rows of zeros stay zeros."""
    norms = rows.norm(dim=1, keepdim=True)
    return rows / torch.where(norms > 0, norms, torch.ones_like(norms))


def whitened(rows: Tensor, dimensions: int) -> Tensor:
    """Return the leading principal components, (n, dimensions), each of mean 0 and sample variance 1.

    They come from the smaller Gram matrix, whose eigenvalues below its rounding error are no component. Their
    signs mean nothing.

    Raises:
        ValueError: the rank is below `dimensions`.
    """
    rounding = float(rows.square().sum()) * max(rows.shape) * torch.finfo(torch.float64).eps
    rows = centred(rows)
    is_wide = rows.shape[0] < rows.shape[1]
    eigenvalues, vectors = torch.linalg.eigh(rows @ rows.T if is_wide else rows.T @ rows)
    rank = int((eigenvalues > rounding).sum())
    if dimensions > rank:
        raise ValueError(f"the recipe step 'whiten:{dimensions}' needs a layer of that rank, found {rank}")
    leading = vectors[:, -dimensions:].flip(1)
    if not is_wide:
        leading = rows @ leading / eigenvalues[-dimensions:].flip(0).sqrt()
    scaled: Tensor = leading * (len(rows) - 1) ** 0.5
    return scaled


def side_by_side(layers: Sequence[Tensor], concatenation: str) -> Tensor:
    """Return all layers of an embedding as one, (n, sum of the widths).

    Args:
        layers: (n, d) each, as they are stored.
        concatenation: `raw`, or `l2` for rows of every layer scaled to length 1.
    """
    if concatenation == "l2":
        layers = [unit_rows(layer.to(torch.float64)) for layer in layers]
    return torch.cat([*layers], dim=1)


def clip_bounds(layers: Sequence[Tensor], steps: Sequence[str]) -> tuple[float, ...]:
    """Return the bounds of the clips that span all layers of an embedding, in order.

    Args:
        layers: all of them, (n, d) each, of any widths, without NaN or infinity (`finite_rows`).
        steps: of the recipe; a bound is taken of what the steps before the clip leave.

    Raises:
        ValueError: a step is not defined for a layer.
    """
    spanning = [position for position, step in enumerate(steps) if spans_layers(step)]
    bounds: list[float] = []
    for begin, end in pairwise([0, *spanning]) if spanning else ():
        before = bounds[-1:]
        if steps[begin:end]:
            layers = [applied(layer.to(torch.float64), steps[begin:end], before) for layer in layers]
        bounds.append(_bound_of(layers, steps[end]))
    return tuple(bounds)


def _bound_of(layers: Sequence[Tensor], step: str) -> float:
    clip = clip_of(step)
    if clip is None:
        raise ValueError(f"the recipe step '{step}' bounds nothing")
    return clip_bound(layers, clip)


def clip_bound(layers: Sequence[Tensor], clip: Clip) -> float:
    """Return what a clip bounds entries by, from all layers that it spans.

    Args:
        layers: (n, d) each, of any widths, without NaN or infinity (`finite_rows`).
        clip: which rule.
    """
    arrays = [layer.detach().cpu() for layer in layers]
    width = torch.float64 if any(array.dtype == torch.float64 for array in arrays) else torch.float32
    matrices = [array.to(width).numpy() for array in arrays]
    find = _order_statistic if clip.scope == "all" else _mean_quantile
    return find(matrices, clip.percent / 100)


def _order_statistic(matrices: Sequence[NDArray[np.floating]], quantile: float) -> float:
    """Return the entry at position int(q N) of all |x|, sorted."""
    entries = np.concatenate([np.abs(matrix).ravel() for matrix in matrices])
    place = int(quantile * len(entries))
    entries.partition(place)
    return float(entries[place])


def _mean_quantile(matrices: Sequence[NDArray[np.floating]], quantile: float) -> float:
    """Return the mean over the rows of the quantiles of |x|, as `torch.quantile` interpolates them.

    The entries are compared as they are stored, and interpolated in float64.
    """
    from compute.row_quantiles import neighbouring_entries  # numba

    n, entries = len(matrices[0]), sum(matrix.shape[1] for matrix in matrices)
    position = quantile * (entries - 1)
    place = int(position)
    step = max(1, ENTRIES_AT_ONCE // entries)
    found = np.empty((n, 2))
    for start in range(0, n, step):
        parts = [matrix[start : start + step] for matrix in matrices]
        together = parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)
        found[start : start + step] = neighbouring_entries(together, place)
    below, above = torch.from_numpy(found).unbind(1)
    return float(torch.lerp(below, above, position - place).mean())
