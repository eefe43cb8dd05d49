"""The reference's way: one call per layer pair, in which neighbours or kernels of both layers are made again.

Written from the definitions, in the vectorised form that the released code of Huh et al. 2024 (arXiv
2405.07987) has them: torch, float32, full sorts, whole masks, traces of products with the centring matrix.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from benchmarks.made_up import K

EPSILON = 1e-6
DIMENSIONS = 10
Score = Callable[[Tensor, Tensor], float]


def mutual_knn(left: Tensor, right: Tensor) -> float:
    """Return the mean share of neighbours in common of two layers, (n, d) and (n, e)."""
    both = _mask(_neighbours(left)) * _mask(_neighbours(right))
    return float((both.sum(dim=1) / K).mean())


def jaccard_knn(left: Tensor, right: Tensor) -> float:
    """Return the mean over items of neighbours in common, of all neighbours of either layer."""
    ours, theirs = _mask(_neighbours(left)), _mask(_neighbours(right))
    return float(((ours * theirs).sum(dim=1) / torch.maximum(ours, theirs).sum(dim=1)).mean())


def cycle_knn(left: Tensor, right: Tensor) -> float:
    """Return for how many items the left neighbours of some right neighbour hold the item."""
    there_and_back = _neighbours(left)[_neighbours(right)]  # (n, k, k)
    own = torch.arange(len(left), device=left.device).view(-1, 1, 1)
    return float((there_and_back == own).flatten(1).any(dim=1).float().mean())


def lcs_knn_prh(left: Tensor, right: Tensor) -> float:
    """Return the mean length of the longest common subsequence of the lists of neighbours.

    The released code runs its programme item by item; this one fills the tables of all items at once, and is
    the faster.
    """
    equal = _equal(_neighbours(left), _neighbours(right))
    table = torch.zeros((K + 1, K + 1, len(left)), dtype=torch.int64, device=left.device)
    for i in range(K):
        for j in range(K):
            longer = torch.maximum(table[i, j + 1], table[i + 1, j])
            table[i + 1, j + 1] = torch.where(equal[:, i, j], table[i, j] + 1, longer)
    return float(table[K, K].float().mean())


def edit_distance_knn(left: Tensor, right: Tensor) -> float:
    """Return 1 less the mean edit distance of the lists of neighbours over k, all items at once."""
    equal = _equal(_neighbours(left), _neighbours(right))
    table = torch.zeros((K + 1, K + 1, len(left)), dtype=torch.int64, device=left.device)
    table[:, 0] = table[0, :] = torch.arange(K + 1, device=left.device)[:, None]
    for i in range(K):
        for j in range(K):
            changed = table[i, j] + (~equal[:, i, j]).long()
            table[i + 1, j + 1] = torch.minimum(changed, torch.minimum(table[i, j + 1], table[i + 1, j]) + 1)
    return float(1 - table[K, K].float().mean() / K)


def cka(left: Tensor, right: Tensor) -> float:
    """Return linear CKA with the released code's epsilon."""
    return _aligned(left @ left.T, right @ right.T, _hsic_biased)


def unbiased_cka(left: Tensor, right: Tensor) -> float:
    """Return unbiased linear CKA with the released code's epsilon."""
    return _aligned(left @ left.T, right @ right.T, _hsic_unbiased)


def cka_rbf(left: Tensor, right: Tensor) -> float:
    """Return Gaussian CKA of sigma 1 with the released code's epsilon."""
    ours, theirs = (torch.exp(-torch.cdist(one, one).square() / 2) for one in (left, right))
    return _aligned(ours, theirs, _hsic_biased)


def cknna(left: Tensor, right: Tensor) -> float:
    """Return CKNNA from the left to the right layer with the released code's epsilon."""
    kernels = left @ left.T, right @ right.T

    def masked(ours: Tensor, theirs: Tensor) -> Tensor:
        mask = _mask(_nearest(ours)) * _mask(_nearest(theirs))
        return _hsic_unbiased(mask * ours, mask * theirs)

    between, own, other = (masked(kernels[i], kernels[j]) for i, j in ((0, 1), (0, 0), (1, 1)))
    return float(between) / (float((own * other).sqrt()) + EPSILON)


def svcca(left: Tensor, right: Tensor) -> float:
    """Return the mean correlation of ten canonical pairs of ten random singular directions each.

    Raises:
        ImportError: scikit-learn, which fits the pairs, is not there.
    """
    from sklearn.cross_decomposition import CCA

    bases = [torch.svd_lowrank(_standardised(one), q=DIMENSIONS)[0].cpu().numpy() for one in (left, right)]
    pairs = CCA(n_components=DIMENSIONS).fit(*bases).transform(*bases)
    correlations = [np.corrcoef(pairs[0][:, i], pairs[1][:, i])[0, 1] for i in range(DIMENSIONS)]
    return float(np.mean(correlations))


def lcs_knn(left: Tensor, right: Tensor) -> float:
    """Return the same as `lcs_knn_prh`, of k."""
    return lcs_knn_prh(left, right) / K


# By metric of the engine. `cknna` is the mean of both directions there: the reference calls it once per pair.
REFERENCE: dict[str, Score] = {
    "mutual_knn": mutual_knn,
    "jaccard_knn": jaccard_knn,
    "cycle_knn": cycle_knn,
    "lcs_knn": lcs_knn,
    "lcs_knn_prh": lcs_knn_prh,
    "edit_distance_knn": edit_distance_knn,
    "cka": cka,
    "cka_prh": cka,
    "unbiased_cka": unbiased_cka,
    "unbiased_cka_prh": unbiased_cka,
    "cka_rbf": cka_rbf,
    "cka_rbf_prh": cka_rbf,
    "cknna": cknna,
    "cknna_prh": cknna,
    "svcca": svcca,
}


def _neighbours(features: Tensor) -> Tensor:
    similarity = (features @ features.T).fill_diagonal_(-1e8)
    return similarity.argsort(dim=1, descending=True)[:, :K]


def _nearest(kernel: Tensor) -> Tensor:
    return kernel.clone().fill_diagonal_(-torch.inf).topk(K, dim=1).indices


def _mask(lists: Tensor) -> Tensor:
    n = len(lists)
    return torch.zeros((n, n), device=lists.device).scatter_(1, lists, 1.0)


def _equal(left: Tensor, right: Tensor) -> Tensor:
    return left[:, :, None] == right[:, None, :]  # (n, k, k)


def _aligned(left: Tensor, right: Tensor, hsic: Callable[[Tensor, Tensor], Tensor]) -> float:
    between, own, other = hsic(left, right), hsic(left, left), hsic(right, right)
    return float(between / ((own * other).sqrt() + EPSILON))


def _hsic_biased(left: Tensor, right: Tensor) -> Tensor:
    n = len(left)
    centring = torch.eye(n, device=left.device) - 1 / n
    return torch.trace(left @ centring @ right @ centring)


def _hsic_unbiased(left: Tensor, right: Tensor) -> Tensor:
    n = len(left)
    ours, theirs = (one.clone().fill_diagonal_(0) for one in (left, right))
    total = (ours * theirs.T).sum() + ours.sum() * theirs.sum() / ((n - 1) * (n - 2))
    return (total - 2 * (ours @ theirs).sum() / (n - 2)) / (n * (n - 3))


def _standardised(features: Tensor) -> Tensor:
    centred = features - features.mean(dim=0)
    return centred / (centred.std(dim=0) + 1e-8)
