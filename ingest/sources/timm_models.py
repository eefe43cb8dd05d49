"""Pictures through the networks of timm: how these are loaded, and what they are asked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import timm
import torch
from timm.data.config import resolve_data_config
from timm.data.transforms_factory import create_transform

from ingest.architectures import Blueprint, FileWeights, OwnWeights, RandomWeights, TimmArchitecture
from ingest.extraction import Rule
from ingest.sources.answers import Answer, Running, dtype_of, versions_of
from ingest.sources.picture_feed import picture_feed
from ingest.sources.picture_preparation import Preparation, pooling_text
from ingest.sources.running import Work, how_computed, run
from ingest.sources.timm_catalogue import configuration_of, shapeless
from ingest.sources.timm_features import (
    answer_batch,
    gives_intermediates,
    has_class_token,
    is_convolutional,
    require_pooling,
)
from ingest.weights import load_weights, require_fit
from registry.errors import InputError, UsageError

CPU_BATCH_SIZE = 8  # larger batches leave the cache: five times slower (EfficientNet-Lite0, 2 cores)
GPU_BATCH_SIZE = 256  # tried first, halved where it does not fit
LIBRARIES = ("torch", "torchvision", "timm", "pillow", "numpy")
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
        model = _from_file(weights, architecture)
    else:
        model = _pretrained(weights, architecture, name)
    return model.float().eval()


def _from_file(weights: FileWeights, architecture: TimmArchitecture) -> Any:
    path, state = weights.path, load_weights(weights.path, weights.trust)
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


def own_preparation(model: Any, rule: Rule) -> Preparation:
    """Return how pictures are prepared for a network under a rule; `own` is what timm's configuration says.

    Raises:
        InputError: the network reads pictures of other than three channels.
    """
    config: dict[str, Any] = resolve_data_config({}, model=model)  # type: ignore[no-untyped-call]
    channels, height, width = config["input_size"]
    if channels != 3:
        raise InputError(
            f"{type(model).__name__} reads pictures of {channels} channels, expected 3",
            hint="import its embeddings instead",
        )
    prepare = Preparation(
        rule,
        size=(int(height), int(width)),
        interpolation=str(config["interpolation"]),
        mean=config["mean"],
        std=config["std"],
    )
    if rule.crop == "own":
        settings = {
            **config,
            "interpolation": prepare.interpolation,
            "mean": prepare.mean,
            "std": prepare.std,
        }
        crop = f"{config['crop_mode']}, {config['crop_pct']}"
        prepare.use_transform(create_transform(**settings, is_training=False), crop)
    return prepare


def extract(
    blueprint: Blueprint,
    name: str,
    images: Sequence[bytes],
    ids: Sequence[str],
    rule: Rule,
    running: Running,
) -> Answer:
    """Return all that `forward_intermediates` gives by default, and what convolutional nets pool.

    Args:
        blueprint: the network.
        name: what the user calls the checkpoint.
        images: encoded pictures, in the order of the data set.
        ids: of the items, for sentences.
        rule: the extraction.
        running: where, and in which batches.

    Raises:
        UsageError: the rule pools a class token that the network has not.
        InputError: the network has no layers that can be told apart, or a picture cannot be read.
    """
    model = load_model(blueprint, name)
    require_pooling(model, rule.pooling, name)
    prepare = own_preparation(model, rule)
    convolves = is_convolutional(model)
    layout = torch.channels_last if convolves else torch.contiguous_format  # several times faster on a CPU
    device, dtype = running.device, dtype_of(rule)
    model = model.to(device=device, dtype=dtype, memory_format=layout)
    with_pooled = rule.layer_rule == "intermediates+pooled" and convolves and gives_intermediates(model)

    def compute(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        moved = pixels.to(device=device, dtype=dtype, memory_format=layout)
        return answer_batch(model, moved, pooling=rule.pooling, with_pooled=with_pooled)

    work = Work(name, len(images), picture_feed(prepare, images, ids, workers=running.workers), compute)
    done = run(work, running, CPU_BATCH_SIZE if device == "cpu" else GPU_BATCH_SIZE)
    resolved = {
        **prepare.resolved,
        "pooling": pooling_text(rule.pooling, has_class_token=has_class_token(model)),
        "pooled": "the net's own pooling, before its classifier" if with_pooled else "none",
        "layers_from": "forward_intermediates" if gives_intermediates(model) else "hooks on the stages",
        **how_computed(rule, running, done),
        "note": "intermediate layers are before the final norm",
    }
    return Answer(done.layers, resolved, versions_of(*LIBRARIES), done.batch_size)
