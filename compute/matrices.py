"""Kernels and distances in place of features: what a recipe makes of them, and what is known of them.

A kernel is treated as the inner products of features that nobody has: centring the features is centring it
twice, their rows of length 1 are the kernel over the roots of its diagonal, and their squared distances are
in it too, so that the kernel of some features has the neighbours of the features. What looks at the entries
of features, as clips do, needs the features. Distances are taken as they are: nearer is more alike, whatever
similarity the recipe ends with, and nothing can be taken away from them first.
"""

from __future__ import annotations

import torch
from torch import Tensor

from compute.layer_stats import K_SHOWN, LayerStatistics, duplicate_rows, in_degree_skew
from compute.neighbours import NeighbourLists
from compute.recipe import Recipe


def prepare_matrix(matrix: Tensor, recipe: Recipe, *, are_distances: bool) -> Tensor:
    """Return a kernel or distances as similarities, float32, (n, n), computed in float64.

    Args:
        matrix: (n, n), symmetric.
        recipe: its steps and its similarity.
        are_distances: whether a smaller entry means more alike; the similarity is then minus the distance.

    Raises:
        ValueError: the matrix is not square, holds NaN or infinity, is no kernel of features because an item
            has a negative similarity to itself, or the recipe has a step that needs features.
    """
    check_recipe(recipe, are_distances=are_distances)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"a kernel is a square matrix, found the shape {tuple(matrix.shape)}")
    entries = matrix.to(torch.float64)
    if not bool(torch.isfinite(entries).all()):
        raise ValueError("a layer holds NaN or infinity")
    if are_distances:
        return (-entries).to(torch.float32)
    _squared_lengths(entries)
    for step in recipe.steps:
        entries = centred(entries) if step == "centre" else _cosine(entries)
    if recipe.similarity == "cosine":
        entries = _cosine(entries)
    elif recipe.similarity == "euclidean":
        entries = _minus_distances(entries)
    return entries.to(torch.float32)


def check_recipe(recipe: Recipe, *, are_distances: bool) -> None:
    """Raise a ValueError if a recipe does what cannot be done without features."""
    what = "distances" if are_distances else "a kernel"
    if recipe.concatenation is not None:
        raise ValueError(f"'concat:{recipe.concatenation}' needs features, this has only {what}")
    for step in recipe.steps:
        if are_distances or step not in ("centre", "l2"):
            raise ValueError(f"the recipe step '{step}' needs features, this has only {what}")


def centred(kernel: Tensor) -> Tensor:
    """Return the kernel of the features less their mean: rows and columns of mean zero."""
    rows = kernel.mean(dim=0, keepdim=True)
    return kernel - rows - rows.T + rows.mean()


def _cosine(kernel: Tensor) -> Tensor:
    """Return the cosines of the features of a kernel; an item of length zero has 0 with every other."""
    lengths = _squared_lengths(kernel).sqrt()
    scale = torch.where(lengths > 0, 1 / lengths, torch.zeros_like(lengths))
    return kernel * scale.unsqueeze(0) * scale.unsqueeze(1)


def _squared_lengths(kernel: Tensor) -> Tensor:
    squares = kernel.diagonal()
    rounding = float(squares.abs().max()) * len(kernel) * torch.finfo(torch.float32).eps
    if float(squares.min()) < -rounding:
        raise ValueError("an item has a negative similarity to itself: it is no kernel of features")
    return torch.where(squares > rounding, squares, torch.zeros_like(squares))


def _minus_distances(kernel: Tensor) -> Tensor:
    """Return minus the squared distances of the features of a kernel; what is below its rounding is 0."""
    squares = kernel.diagonal()
    distances = squares.unsqueeze(1) + squares - 2 * kernel
    rounding = float(squares.abs().max()) * torch.finfo(torch.float32).eps
    distances[distances < rounding] = 0
    return -distances


def mean_off_diagonal(matrix: Tensor) -> float:
    """Return the mean of a square matrix without its diagonal."""
    entries = matrix.to(torch.float64)
    n = len(entries)
    return float((entries.sum() - entries.diagonal().sum()) / (n * (n - 1)))


def matrix_statistics(similarity: Tensor, lists: NeighbourLists, *, are_distances: bool) -> LayerStatistics:
    """Return the statistics of a kernel's or of distances' layer, as far as they mean the same.

    Of a kernel all are those of its features. Distances are read as 1 less a similarity, as correlation
    distances are: `mean_cosine` is 1 less the mean distance of two different items, and `effective_rank`
    that of the centred similarity, of which only the positive eigenvalues count. Of similarities that are no
    cosines `mean_cosine` is just their mean.

    Args:
        similarity: (n, n) float32 as `prepare_matrix` returns it.
        lists: its neighbours.
        are_distances: whether it was made of distances.
    """
    k = min(K_SHOWN, lists.indices.shape[1])
    entries = similarity.to(torch.float64)
    mean = mean_off_diagonal(entries)
    return LayerStatistics(
        k=k,
        tied_rows=int(lists.tied_rows[k - 1]),
        duplicate_rows=duplicate_rows(similarity),
        mean_cosine=mean + 1.0 if are_distances else mean,
        effective_rank=kernel_rank(entries),
        in_degree_skew=in_degree_skew(lists.indices[:, :k]),
    )


def kernel_rank(kernel: Tensor) -> float:
    """Return the effective rank of the features of a kernel, centred; 0 where it is constant."""
    entries = kernel.to(torch.float64)
    rounding = float(entries.abs().max()) * len(entries) * torch.finfo(torch.float32).eps
    eigenvalues = torch.linalg.eigvalsh(centred(entries))
    values = eigenvalues[eigenvalues > rounding].sqrt()
    if not len(values):
        return 0.0
    shares = values / values.sum()
    return float(torch.exp(-(shares * shares.log()).sum()))
