"""The released code of Huh et al. itself, from a clone of it (`--reference DIR`)."""

from __future__ import annotations

import contextlib
import importlib
import sys
import types
from pathlib import Path
from typing import Any

from torch import Tensor

from benchmarks.made_up import K
from benchmarks.reference import Score

# By metric of the engine: the clone's name for it, and the arguments that it takes.
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "mutual_knn": ("mutual_knn", {"topk": K}),
    "cycle_knn": ("cycle_knn", {"topk": K}),
    "lcs_knn_prh": ("lcs_knn", {"topk": K}),
    "edit_distance_knn": ("edit_distance_knn", {"topk": K}),
    "cka": ("cka", {}),
    "cka_prh": ("cka", {}),
    "unbiased_cka": ("unbiased_cka", {}),
    "unbiased_cka_prh": ("unbiased_cka", {}),
    "cka_rbf": ("cka", {"kernel_metric": "rbf", "rbf_sigma": 1.0}),
    "cka_rbf_prh": ("cka", {"kernel_metric": "rbf", "rbf_sigma": 1.0}),
    "cknna": ("cknna", {"topk": K}),
    "cknna_prh": ("cknna", {"topk": K}),
    "svcca": ("svcca", {"cca_dim": 10}),
}


def released(folder: Path) -> dict[str, Score]:
    """Return the clone's own functions by metric of the engine.

    Without torchaudio, which the clone imports for the edit distance alone, that metric is left out.

    Raises:
        ImportError: the folder holds no such module, or it needs a package that is not installed.
    """
    if not (folder / "metrics.py").is_file():
        raise ImportError(f"{folder} holds no metrics.py")
    has_audio = _importable("torchaudio")
    if not has_audio:
        _stand_in_for_torchaudio()
    sys.path.insert(0, str(folder))
    try:
        with contextlib.redirect_stdout(sys.stderr):  # it prints when it is imported
            metrics = importlib.import_module("metrics")
    finally:
        sys.path.remove(str(folder))
    measure = metrics.AlignmentMetrics.measure
    functions = {
        name: _call(measure, theirs, arguments)
        for name, (theirs, arguments) in CALLS.items()
        if has_audio or theirs != "edit_distance_knn"
    }
    functions["lcs_knn"] = _of_k(functions["lcs_knn_prh"])
    return functions


def _call(measure: Any, name: str, arguments: dict[str, Any]) -> Score:
    def score(left: Tensor, right: Tensor) -> float:
        return float(measure(name, left, right, **arguments))

    return score


def _of_k(score: Score) -> Score:
    return lambda left, right: score(left, right) / K


def _importable(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def _stand_in_for_torchaudio() -> None:
    """Let `import torchaudio.functional as TAF` pass; nothing but the edit distance uses what it holds."""

    def edit_distance(*_: Any) -> int:
        raise NotImplementedError("torchaudio is not installed")

    package, functional = types.ModuleType("torchaudio"), types.ModuleType("torchaudio.functional")
    functional.edit_distance = edit_distance  # type: ignore[attr-defined]
    package.functional = functional  # type: ignore[attr-defined]
    sys.modules["torchaudio"], sys.modules["torchaudio.functional"] = package, functional
