"""From the name of a metric to its code, imported when it is needed."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from compute.metrics.contract import LayerMetric

_WHERE = {
    "mutual_knn": "mutual_knn:MutualKnn",
    "jaccard_knn": "jaccard_knn:JaccardKnn",
    "cycle_knn": "cycle_knn:CycleKnn",
    "lcs_knn": "lcs_knn:LcsKnn",
    "lcs_knn_prh": "lcs_knn:LcsKnnPrh",
    "edit_distance_knn": "edit_distance_knn:EditDistanceKnn",
    "cka": "cka:Cka",
    "cka_prh": "cka:CkaPrh",
    "unbiased_cka": "unbiased_cka:UnbiasedCka",
    "unbiased_cka_prh": "unbiased_cka:UnbiasedCkaPrh",
    "cka_rbf": "cka_rbf:CkaRbf",
    "cka_rbf_prh": "cka_rbf:CkaRbfPrh",
    "cknna": "cknna:Cknna",
    "cknna_paper": "cknna_paper:CknnaPaper",
    "cknna_prh": "cknna:CknnaPrh",
    "rsa": "rsa:Rsa",
    "distance_correlation": "distance_correlation:DistanceCorrelation",
    "svcca": "svcca:Svcca",
    "procrustes": "procrustes:Procrustes",
}


def engine_of(name: str, parameters: Mapping[str, Any]) -> LayerMetric:
    """Return a metric with its parameters.

    Raises:
        KeyError: there is none of that name.
    """
    module, _, kind = _WHERE[name].partition(":")
    return cast("LayerMetric", getattr(import_module(f"compute.metrics.{module}"), kind)(**parameters))
