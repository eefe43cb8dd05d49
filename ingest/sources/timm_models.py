"""Pictures through the networks of timm: intermediate features, and what a convolutional net pools."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from timm.data.config import resolve_data_config
from timm.data.transforms_factory import create_transform
from timm.layers.patch_embed import PatchEmbed

from ingest.architectures import Blueprint, FileWeights, OwnWeights, RandomWeights, TimmArchitecture
from ingest.extraction import Rule
from ingest.pictures import DECODING, decode, resized
from ingest.pooling import class_token, spatial_mean
from ingest.sources.answers import Answer, LayerCollector, Progress, batches, exact_inference, versions_of
from ingest.sources.timm_catalogue import configuration_of, shapeless
from ingest.weights import load_weights, require_fit
from registry.errors import InputError, UsageError

CPU_BATCH_SIZE = 8  # larger batches leave the cache: five times slower (EfficientNet-Lite0, 2 cores)
GPU_BATCH_SIZE = 64
LIBRARIES = ("torch", "torchvision", "timm", "pillow", "numpy")
POOLED = "pooled"
_LOAD_ERRORS = (OSError, RuntimeError, ValueError, KeyError, AssertionError)


def expected_shapes(name: str) -> dict[str, tuple[int, ...]]:
    """Return the shapes of the weights that the network of a name asks for."""
    return {key: tuple(tensor.shape) for key, tensor in shapeless(name).state_dict().items()}


def load_model(blueprint: Blueprint, name: str) -> Any:
    """Return a checkpoint's network in float32 and evaluation mode.

    Raises:
        InputError: the weights cannot be read, or do not fit.
    """
    architecture, weights = blueprint.architecture, blueprint.weights
    if not isinstance(architecture, TimmArchitecture):
        raise UsageError(f"{name} is not a model of timm", hint="'cavewall checkpoint list' shows what it is")
    if isinstance(weights, RandomWeights):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(weights.seed)
            model = timm.create_model(architecture.name, pretrained=False)
    elif isinstance(weights, FileWeights):
        model = _from_file(weights.path, architecture)
    else:
        model = _pretrained(weights, architecture, name)
    return model.float().eval()


def _from_file(path: Path, architecture: TimmArchitecture) -> Any:
    state = load_weights(path)
    model = timm.create_model(architecture.name, pretrained=False)
    expected = {key: tuple(tensor.shape) for key, tensor in model.state_dict().items()}
    require_fit(
        path, architecture.text, expected, {key: tuple(tensor.shape) for key, tensor in state.items()}
    )
    model.load_state_dict(state, strict=True)
    return model


def _pretrained(weights: OwnWeights, architecture: TimmArchitecture, name: str) -> Any:
    """Load as timm does, with its conversion of old key names, but from the folder of the resolved commit."""
    config = configuration_of(architecture.name)
    wanted = config.get("hf_hub_filename") or "model.safetensors"
    candidates = [weights.folder / Path(wanted).with_suffix(".safetensors").name, weights.folder / wanted]
    file = next((candidate for candidate in candidates if candidate.is_file()), None)
    if file is None:
        raise InputError(
            f"{name}: {weights.folder} has no {candidates[0].name}",
            hint="fetch the whole model once with access to the hub (HF_HUB_OFFLINE unset)",
        )
    overlay = {"file": str(file), "custom_load": False}
    try:
        return timm.create_model(architecture.name, pretrained=True, pretrained_cfg_overlay=overlay)
    except _LOAD_ERRORS as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{name}: {file} does not fit {architecture.text}: {reason}",
            hint="delete the cached file and fetch it again",
        ) from error


def has_class_token(model: Any) -> bool:
    """Return whether the intermediate features come with a class token."""
    accepts = "return_prefix_tokens" in inspect.signature(model.forward_intermediates).parameters
    return accepts and getattr(model, "cls_token", None) is not None


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
    try:
        names = [str(name) for name in model.feature_info.module_name()]
    except (AttributeError, TypeError, KeyError):
        info = getattr(model, "feature_info", None) or []
        names = [str(entry.get("module")) for entry in info if isinstance(entry, dict)]
    if len(names) == count and len(set(names)) == count:
        return names
    return [f"intermediates.{depth}" for depth in range(count)]


def answer_batch(
    model: Any, pixels: torch.Tensor, *, pooling: str, with_pooled: bool
) -> dict[str, torch.Tensor]:
    """Return every layer's rows for a batch of pictures.

    Intermediate features are taken as timm gives them, before the final norm.

    Args:
        model: a timm network.
        pixels: `(b, 3, h, w)`.
        pooling: `cls-else-mean`, or `mean` for the spatial mean even where there is a class token.
        with_pooled: whether to add what the net's own head pools, for the linear layer that is left out.

    Returns:
        `(b, d)` for each layer, in the order of depth.
    """
    takes_class_token = pooling == "cls-else-mean" and has_class_token(model)
    if takes_class_token:
        _, pairs = model.forward_intermediates(pixels, return_prefix_tokens=True)
        rows = [class_token(prefix) for _, prefix in pairs]
        return dict(zip(layer_names(model, len(rows)), rows, strict=True))
    final, features = model.forward_intermediates(pixels)
    rows = [spatial_mean(feature) for feature in features]
    layers = dict(zip(layer_names(model, len(rows)), rows, strict=True))
    if with_pooled:
        layers[POOLED] = model.forward_head(final, pre_logits=True)
    return layers


class Preparation:
    """How pictures become a network's input under a rule."""

    def __init__(self, model: Any, rule: Rule) -> None:
        config: dict[str, Any] = resolve_data_config({}, model=model)  # type: ignore[no-untyped-call]
        channels, height, width = config["input_size"]
        if channels != 3:
            raise InputError(
                f"{type(model).__name__} reads pictures of {channels} channels, expected 3",
                hint="import its embeddings instead",
            )
        self._rule = rule
        self._size = (int(height), int(width))
        self._interpolation = str(
            config["interpolation"] if rule.interpolation == "own" else rule.interpolation
        )
        is_own = rule.normalisation == "own"
        self._mean = tuple(config["mean"]) if is_own else (0.0, 0.0, 0.0)
        self._std = tuple(config["std"]) if is_own else (1.0, 1.0, 1.0)
        self._transform = None
        self.resolved: dict[str, Any] = {
            "input_size": list(self._size),
            "crop": "none: the whole picture is squeezed to the input size",
            "interpolation": self._interpolation,
            "mean": list(self._mean),
            "std": list(self._std),
            **DECODING,
        }
        if rule.crop == "own":
            settings = {**config, "interpolation": self._interpolation, "mean": self._mean, "std": self._std}
            self._transform = create_transform(**settings, is_training=False)
            self.resolved["crop"] = f"{config['crop_mode']}, {config['crop_pct']}"

    def __call__(self, images: Sequence[bytes], ids: Sequence[str]) -> torch.Tensor:
        """Return a batch, `(b, 3, h, w)`."""
        pictures = [decode(data, item_id) for data, item_id in zip(images, ids, strict=True)]
        if self._transform is not None:
            return torch.stack([self._transform(picture) for picture in pictures])
        stacked = np.stack(
            [resized(picture, self._size, self._interpolation) for picture in pictures]
        )  # (b, h, w, 3)
        mean, std = np.asarray(self._mean, dtype=np.float32), np.asarray(self._std, dtype=np.float32)
        return torch.from_numpy((stacked - mean) / std).permute(0, 3, 1, 2).contiguous()


def extract(
    blueprint: Blueprint,
    name: str,
    images: Sequence[bytes],
    ids: Sequence[str],
    rule: Rule,
    *,
    device: str,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Return all that `forward_intermediates` gives by default, and what convolutional nets pool.

    Args:
        blueprint: the network.
        name: what the user calls the checkpoint.
        images: encoded pictures, in the order of the data set.
        ids: of the items, for sentences.
        rule: the extraction.
        device: where to compute.
        batch_size: pictures at a time.
        progress: called with how many items of how many are done.

    Raises:
        InputError: the network gives no intermediate features, or a picture cannot be read.
    """
    size = batch_size or (CPU_BATCH_SIZE if device == "cpu" else GPU_BATCH_SIZE)
    model = load_model(blueprint, name).to(device)
    if not hasattr(model, "forward_intermediates"):
        raise InputError(
            f"{name}: timm gives no intermediate features of {type(model).__name__}",
            hint="import its embeddings instead",
        )
    prepare = Preparation(model, rule)
    convolves = is_convolutional(model)
    layout = torch.channels_last if convolves else torch.contiguous_format  # several times faster on a CPU
    model = model.to(memory_format=layout)
    with_pooled = rule.layer_rule == "intermediates+pooled" and convolves
    collector = LayerCollector()
    with exact_inference():
        for part in batches(len(images), size):
            pixels = prepare(images[part], ids[part]).to(device, memory_format=layout)
            collector.add(answer_batch(model, pixels, pooling=rule.pooling, with_pooled=with_pooled))
            if progress is not None:
                progress(part.stop, len(images))
    takes_class_token = rule.pooling == "cls-else-mean" and has_class_token(model)
    resolved = {
        **prepare.resolved,
        "pooling": "class token" if takes_class_token else "spatial mean",
        "pooled": "the net's own pooling, before its classifier" if with_pooled else "none",
        "note": "intermediate layers are before the final norm",
    }
    return Answer(collector.layers(), resolved, versions_of(*LIBRARIES), size)
