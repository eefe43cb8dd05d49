"""The kernel metrics against implementations that are not ours."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from compute.metrics.cka import Cka, cka_of
from compute.metrics.cka_rbf import cka_rbf_of
from compute.metrics.rsa import Rsa, rsa_of
from compute.metrics.unbiased_cka import UnbiasedCka, unbiased_cka_of
from tests.compute.metrics.kernel_layers import random_layer, side_of

SHAPES = [(20, 5, 7), (60, 200, 60), (200, 30, 512)]  # d < n, d = n, d > n


def pair(n: int, d: int, e: int) -> tuple[np.ndarray, np.ndarray]:
    rows = random_layer(n, d, n + d)
    return rows, random_layer(n, e, n + e, like=rows)


@pytest.mark.parametrize("shape", SHAPES)
def test_cka_is_that_of_ckatorch(shape: tuple[int, int, int]) -> None:
    core = pytest.importorskip("ckatorch.core")
    rows, columns = pair(*shape)
    left, right = torch.from_numpy(rows), torch.from_numpy(columns)
    for unbiased, ours in ((False, cka_of), (True, unbiased_cka_of)):
        theirs = core.cka_base(left, right, unbiased=unbiased).item()
        assert ours(rows, columns) == pytest.approx(theirs, abs=1e-9)
    by_hsic = core.cka_base(left, right, method="hsic").item()
    assert cka_of(rows, columns) == pytest.approx(by_hsic, abs=1e-9)
    minibatch = core.cka_batch(left[None], right[None]).item()
    assert unbiased_cka_of(rows, columns) == pytest.approx(minibatch, abs=1e-9)


@pytest.mark.parametrize("threshold", [0.4, 1.0])
def test_gaussian_cka_is_that_of_ckatorch(threshold: float) -> None:
    """Theirs measures in the median of all squared distances, those of items to themselves included."""
    core = pytest.importorskip("ckatorch.core")
    rows, columns = pair(41, 6, 9)
    units = []
    for layer in (rows, columns):
        squares = np.concatenate([np.repeat(pdist(layer, "sqeuclidean"), 2), np.zeros(41)])
        units.append(np.sqrt(np.sort(squares)[(len(squares) - 1) // 2]))  # torch's median is the lower one
    theirs = core.cka_base(
        torch.from_numpy(rows), torch.from_numpy(columns), kernel="rbf", threshold=threshold
    ).item()
    ours = cka_rbf_of(rows / units[0], columns / units[1], sigma=threshold, unit="absolute")
    assert ours == pytest.approx(theirs, abs=1e-9)


@pytest.mark.parametrize("n", [300, 1_024])  # stored as float32, and as float16
def test_the_engine_gives_what_the_libraries_give_for_each_pair(n: int) -> None:
    core = pytest.importorskip("ckatorch.core")
    layers = [random_layer(n, d, d) for d in (20, 90)]
    layers += [random_layer(n, 60, seed, like=layers[1]) for seed in (1, 2)][: 2 if n == 300 else 1]
    tensors = [torch.from_numpy(layer) for layer in layers]
    for metric, unbiased in ((Cka(), False), (UnbiasedCka(), True)):
        side = side_of(metric, layers[:2], layers[2:])
        expected = [[core.cka_base(x, y, unbiased=unbiased).item() for y in tensors] for x in tensors]
        tolerance = 1e-6 if n == 300 else 3e-6  # float16 costs 1e-6, the farthest of all pairs some more
        assert metric.grid(side, side)[0] == pytest.approx(np.array(expected), abs=tolerance)


def test_the_engine_gives_what_pytorch_cka_gives_for_all_layers_of_two_models() -> None:
    """Theirs is float32 throughout, and has no digits to lose where the features have no mean."""
    cka = pytest.importorskip("cka")
    shared = np.random.default_rng(1).standard_normal((256, 64))
    random = np.random.default_rng(2)
    models = [[shared + width * random.standard_normal((256, 64)) for width in (0.5, 1, 2)] for _ in range(2)]
    theirs = cka.cka_from_features(
        *(torch.from_numpy(np.stack(layers)).to(torch.float32) for layers in models)
    ).numpy()
    metric = UnbiasedCka()
    ours = metric.grid(*(side_of(metric, layers) for layers in models))[0]
    assert ours == pytest.approx(theirs, abs=1e-6)


def rdms_of(layers: list[np.ndarray], distance: str) -> object:
    rdm = pytest.importorskip("rsatoolbox.rdm")
    return rdm.RDMs(np.stack([pdist(layer, distance) for layer in layers]))


def test_rsa_is_that_of_rsatoolbox_and_scipy() -> None:
    toolbox = pytest.importorskip("rsatoolbox")
    rows, columns = pair(60, 30, 45)
    sets = [toolbox.data.Dataset(layer) for layer in (rows, columns)]
    for rdm, method, distance in (
        ("correlation", "correlation", "correlation"),
        ("euclidean", "euclidean", "euclidean"),  # theirs is squared, which has the same ranks
    ):
        theirs = toolbox.rdm.compare(
            *(toolbox.rdm.calc_rdm(one, method=method) for one in sets), method="spearman"
        ).item()
        scipys = spearmanr(pdist(rows, distance), pdist(columns, distance)).statistic
        ours = rsa_of(rows, columns, rdm=rdm)  # type: ignore[arg-type]
        assert ours == pytest.approx(theirs, abs=1e-12)
        assert ours == pytest.approx(scipys, abs=1e-12)
        metric = Rsa(rdm)  # type: ignore[arg-type]
        engine = metric.grid(side_of(metric, [rows]), side_of(metric, [columns])).item()
        assert engine == pytest.approx(theirs, abs=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_rsa_whitened_on_squared_distances_is_linear_cka(shape: tuple[int, int, int]) -> None:
    """Diedrichsen et al. 2020: the RDM toolbox' `cosine_cov` needs no kernel, and gives the same."""
    toolbox = pytest.importorskip("rsatoolbox")
    rows, columns = pair(*shape)
    theirs = toolbox.rdm.compare(
        rdms_of([rows], "sqeuclidean"), rdms_of([columns], "sqeuclidean"), method="cosine_cov"
    ).item()
    assert cka_of(rows, columns) == pytest.approx(theirs, abs=1e-12)
