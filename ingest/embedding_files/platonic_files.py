"""Read the feature files of platonic-rep: a dictionary with `feats`, written by torch.save.

Source: Huh et al. 2024, github.com/minyoungg/platonic-rep, extract_features.py: `feats` is (items, layers,
width), or a list with a matrix per layer; language files add `num_params`, `mask`, `loss` and `bpb`.
"""

from __future__ import annotations

import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.embedding_files.parts import Array, Part, ReadOptions, broken, choose_layers, require_size
from ingest.models_extra import require_models
from registry.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

WHAT = "feature file of platonic-rep"
_ERRORS = (
    RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, OSError, MemoryError,
    OverflowError, AssertionError, RecursionError, ImportError, struct.error, NotImplementedError,
    zipfile.BadZipFile,
)  # fmt: skip
_NAME = re.compile(
    r"(?P<model>.+?)(?:_pool-|-)(?P<pool>avg|mean|cls|last|max|none)(?P<rest>(?:_(?:prompt|cid)-[^_]*)*)"
)
POOLING = {"avg": "mean"}


def model_and_pooling(stem: str) -> tuple[str, str | None]:
    """Return what a file's name says: `bigscience_bloomz-560m_pool-avg` is that model, pooled by `mean`."""
    found = _NAME.fullmatch(stem)
    if found is None:
        return stem, None
    return found["model"], POOLING.get(found["pool"], found["pool"])


def read_platonic(path: Path, options: ReadOptions) -> list[Part]:
    """Return the one part of a feature file; nothing in it is executed.

    Raises:
        InputError: the file is broken, needs code from it, or has no `feats`.
        MissingExtra: torch is not installed.
    """
    loaded = _load(path)
    if not isinstance(loaded, Mapping) or "feats" not in loaded:
        found = (
            f"a dictionary of {', '.join(map(str, list(loaded)[:5]))}"
            if isinstance(loaded, Mapping)
            else type(loaded).__name__
        )
        raise InputError(
            f"{path} has no 'feats', it holds {found}",
            hint="give a file of platonic-rep's extract_features.py",
        )
    try:
        layers = _layers(path, loaded["feats"])
        facts = _facts(loaded)
    except _ERRORS as error:
        raise broken(path, WHAT, error) from error
    name, pooling = model_and_pooling(path.stem)
    chosen = choose_layers(path, layers, options.layers)
    return [Part(name, {key: layers[key] for key in chosen}, pooling=pooling, facts=facts)]


def _load(path: Path) -> object:
    require_models(f"reading {path.name}")
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} cannot be loaded without running code from it, or is damaged",
            hint="save plain tensors: torch.save({'feats': feats}, path)",
        ) from error
    except _ERRORS as error:
        raise broken(path, WHAT, error) from error


def _layers(path: Path, feats: object) -> dict[str, Array]:
    import torch

    if isinstance(feats, torch.Tensor):
        if feats.ndim != 3:
            raise InputError(
                f"{path}: 'feats' has the shape {tuple(feats.shape)}, expected (items, layers, width)",
                hint="extract it again without pooling the layers",
            )
        _require_honest(path, feats)
        return {f"layer.{index}": _numbers(feats[:, index]) for index in range(feats.shape[1])}
    if isinstance(feats, list | tuple) and feats and all(isinstance(each, torch.Tensor) for each in feats):
        for each in feats:
            _require_honest(path, each)
        return {f"layer.{index}": _numbers(each) for index, each in enumerate(feats)}
    raise InputError(
        f"{path}: 'feats' is {type(feats).__name__}, expected a tensor or a list of tensors",
        hint="extract it again with platonic-rep's extract_features.py",
    )


def _require_honest(path: Path, tensor: Tensor) -> None:
    """Refuse a tensor that says it is larger than what the file holds of it, as strides of zero make one."""
    require_size(path, tensor.numel() * 4)
    if not _is_strided(tensor) or not tensor.dtype.is_floating_point:
        raise InputError(f"{path}: 'feats' is {tensor.dtype}, expected floats", hint="save plain tensors")
    if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
        raise InputError(
            f"{path}: 'feats' says it has {tensor.numel():,} numbers, the file holds fewer",
            hint="save plain tensors: tensor.contiguous()",
        )


def _numbers(tensor: Tensor) -> Array:
    import torch

    array: Array = tensor.detach().to(torch.float32).numpy()
    return array


def _facts(loaded: Mapping[Any, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = {}
    if (parameters := _number(loaded.get("num_params"))) is not None:
        facts["num_params"] = int(parameters)
    if (bits := _number(loaded.get("bpb"))) is not None:
        facts["bits_per_byte"] = bits
    if "mask" in loaded or "bpb" in loaded or "loss" in loaded:
        facts["modality"] = "language"
    return facts


def _number(value: object) -> float | None:
    """Return a number, or the mean of a tensor of numbers; None for anything else."""
    import torch

    if isinstance(value, torch.Tensor) and value.numel() and not value.dtype.is_complex:
        return float(value.double().mean())
    return float(value) if isinstance(value, int | float) else None


def _is_strided(tensor: Tensor) -> bool:
    import torch

    return tensor.layout is torch.strided and tensor.device.type == "cpu"
