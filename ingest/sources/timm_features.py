"""Rows of every layer of a picture network: what timm's networks give, and hooks where one gives nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch
from timm.layers.patch_embed import PatchEmbed
from torch import Tensor

from ingest.pooling import class_token, spatial_max, spatial_mean
from registry.errors import InputError, UsageError

POOLED = "pooled"
_STAGES = ("blocks", "stages", "layers", "features", "layer")
_POOLS: dict[str, Callable[[Tensor], Tensor]] = {"max": spatial_max}


def gives_intermediates(model: Any) -> bool:
    """Return whether a network has timm's `forward_intermediates`."""
    return hasattr(model, "forward_intermediates")


def has_class_token(model: Any) -> bool:
    """Return whether every layer comes with a class token.

    Class attention, as in CaiT, brings the token in after the blocks, so that the blocks have none.
    """
    if getattr(model, "cls_token", None) is None:
        return False
    if gives_intermediates(model):
        return "return_prefix_tokens" in inspect.signature(model.forward_intermediates).parameters
    return int(getattr(model, "num_prefix_tokens", 1)) > 0


def require_pooling(model: Any, pooling: str, name: str) -> None:
    """Refuse the class token of a network that has none.

    Raises:
        UsageError: it has none.
    """
    if pooling == "cls" and not has_class_token(model):
        raise UsageError(
            f"{name}: the layers of {type(model).__name__} have no class token to pool by",
            hint="use pooling=mean or pooling=max, or cls-else-mean for a zoo of both kinds",
        )


def is_convolutional(model: Any) -> bool:
    """Return whether a network reads pictures by convolution, not as a row of patches; hybrids count too."""
    if hasattr(model, "num_prefix_tokens"):
        return False
    cuts_patches = any(
        isinstance(module, PatchEmbed) or path.rpartition(".")[2] in ("patch_embed", "patch_embeds")
        for path, module in model.named_modules()
    )
    return not cuts_patches or any(isinstance(module, torch.nn.BatchNorm2d) for module in model.modules())


def layer_names(model: Any, count: int) -> list[str]:
    """Return what the intermediate features are called: the modules that they leave, where timm says so."""
    names = _described_modules(model)
    if len(names) == count and len(set(names)) == count:
        return names
    return [f"intermediates.{depth}" for depth in range(count)]


def _described_modules(model: Any) -> list[str]:
    try:
        return [str(name) for name in model.feature_info.module_name()]
    except (AttributeError, TypeError, KeyError):
        info = getattr(model, "feature_info", None) or []
        return [str(entry.get("module")) for entry in info if isinstance(entry, dict)]


def answer_batch(model: Any, pixels: Tensor, *, pooling: str, with_pooled: bool) -> dict[str, Tensor]:
    """Return every layer's rows for a batch of pictures, pooled in float32.

    Intermediate features are taken as timm gives them, before the final norm. A network without
    `forward_intermediates` is read by hooks on its stages (`stage_names`): the same features where timm gives
    both, since it too takes what the stages return.

    Args:
        model: a network of timm, or another one with stages.
        pixels: `(b, 3, h, w)`.
        pooling: `cls-else-mean`, `cls`, `mean` or `max`; the last two over the patches alone, without the
            class token.
        with_pooled: whether to add what the net's own head pools, for the linear layer that is left out.

    Returns:
        `(b, d)` for each layer, in the order of depth.

    Raises:
        ValueError: the pooling is `cls` and there is no class token (`require_pooling` says so in time).
    """
    takes_class_token = pooling in ("cls", "cls-else-mean") and has_class_token(model)
    if pooling == "cls" and not takes_class_token:
        raise ValueError(f"{type(model).__name__} has no class token")
    pool = _POOLS.get(pooling, spatial_mean)
    if not gives_intermediates(model):
        return _hooked_batch(model, pixels, None if takes_class_token else pool)
    if takes_class_token:
        _, pairs = model.forward_intermediates(pixels, return_prefix_tokens=True)
        rows = [class_token(prefix.float()) for _, prefix in pairs]
        return dict(zip(layer_names(model, len(rows)), rows, strict=True))
    final, features = model.forward_intermediates(pixels)
    rows = [pool(feature.float()) for feature in features]
    layers = dict(zip(layer_names(model, len(rows)), rows, strict=True))
    if with_pooled:
        layers[POOLED] = model.forward_head(final, pre_logits=True)
    return layers


def stage_names(model: Any) -> list[str]:
    """Return the modules that a network without intermediate features is read at, in the order of depth.

    They are those that timm's `feature_info` names; else the members of its longest list called `blocks`,
    `stages`, `layers` or `features`; else its children `layer1`, `layer2` …

    Raises:
        InputError: it has none of these.
    """
    known = {name for name, _ in model.named_modules()}
    described = _described_modules(model)
    if described and set(described) <= known:
        return described
    for word in _STAGES[:-1]:
        stages = getattr(model, word, None)
        if isinstance(stages, (torch.nn.Sequential, torch.nn.ModuleList)) and len(stages):
            return [f"{word}.{name}" for name, _ in stages.named_children()]
    numbered = [name for name, _ in model.named_children() if name.startswith("layer") and name[5:].isdigit()]
    if numbered:
        return sorted(numbered, key=lambda name: int(name[5:]))
    raise InputError(
        f"{type(model).__name__} has neither forward_intermediates nor stages that can be told apart",
        hint="import its embeddings instead",
    )


def _hooked_batch(model: Any, pixels: Tensor, pool: Callable[[Tensor], Tensor] | None) -> dict[str, Tensor]:
    """Return the rows at every stage; the class token's where there is no `pool`."""
    seen: dict[str, Tensor] = {}
    prefix = int(getattr(model, "num_prefix_tokens", 0))
    is_channels_last = getattr(model, "output_fmt", "NCHW") == "NHWC"

    def hook(name: str) -> Callable[[Any, Any, Any], None]:
        def take(_module: Any, _inputs: Any, output: Any) -> None:
            features = (output[0] if isinstance(output, tuple) else output).float()
            if features.ndim == 4 and is_channels_last:
                features = features.permute(0, 3, 1, 2)
            if pool is None:
                seen[name] = class_token(features)
            else:
                seen[name] = pool(features[:, prefix:] if features.ndim == 3 else features)

        return take

    handles = [model.get_submodule(name).register_forward_hook(hook(name)) for name in stage_names(model)]
    try:
        model(pixels)
    finally:
        for handle in handles:
            handle.remove()
    return seen
