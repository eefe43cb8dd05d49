"""The hidden states of picture networks of transformers: ViTs, ConvNets, the picture towers of CLIPs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from ingest.architectures import Blueprint, FolderArchitecture
from ingest.extraction import Rule
from ingest.pooling import class_token, spatial_max, spatial_mean
from ingest.sources.answers import Answer, Running, dtype_of, versions_of
from ingest.sources.picture_feed import picture_feed
from ingest.sources.picture_preparation import Preparation, interpolation_of, pooling_text
from ingest.sources.running import Work, how_computed, run
from ingest.sources.transformers_models import load_model
from registry.errors import InputError, UsageError

CPU_BATCH_SIZE = 8
GPU_BATCH_SIZE = 256
LIBRARIES = ("torch", "transformers", "pillow", "numpy")
PROCESSOR_FILE = "preprocessor_config.json"
NOTE = "hidden states as transformers gives them, the first is the input of the first block"
_CLASS_TOKENS = ("cls_token", "class_embedding", "cls_embedding")


def tower_of(model: Any) -> Any:
    """Return the part of a network that reads pictures: no head, and of two towers the picture's."""
    base = model.base_model
    return getattr(base, "vision_model", base)


def prefix_length(tower: Any) -> int:
    """Return how many tokens stand before the patches: the class token and any registers; 0 where none."""
    names = {name.rpartition(".")[2] for name, _ in tower.named_parameters()}
    if not names & set(_CLASS_TOKENS):
        return 0
    return 1 + int(getattr(tower.config, "num_register_tokens", 0) or 0)


def own_preparation(folder: Path, config: Any, rule: Rule) -> Preparation:
    """Return how pictures are prepared: as the folder's preprocessor_config.json says, squeezed to its size.

    Raises:
        UsageError: the rule asks for the processor's own crop.
        InputError: nothing says how large pictures are, or the file cannot be read.
    """
    if rule.crop == "own":
        raise UsageError(
            "extraction: crop=own is supported for models of timm alone",
            hint="leave it out, or use the same model from timm",
        )
    settings = _settings(folder)
    size = _size(settings.get("crop_size")) or _size(settings.get("size"))
    size = size or _size(getattr(config, "image_size", None))
    if size is None:
        raise InputError(
            f"{folder}: neither config.json nor {PROCESSOR_FILE} says how large pictures are",
            hint="save the processor into the folder with processor.save_pretrained",
        )
    return Preparation(
        rule,
        size=size,
        interpolation=interpolation_of(settings, "bicubic"),
        mean=settings.get("image_mean") or (0.5, 0.5, 0.5),
        std=settings.get("image_std") or (0.5, 0.5, 0.5),
    )


def _settings(folder: Path) -> Mapping[str, Any]:
    path = folder / PROCESSOR_FILE
    if not path.is_file():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError, OSError) as error:
        raise InputError(f"{path} is not JSON: {error}", hint="save the processor again") from error
    if not isinstance(found, dict):
        raise InputError(f"{path} is not a JSON object", hint="save the processor again")
    return found


def _size(value: Any) -> tuple[int, int] | None:
    if isinstance(value, int):
        return value, value
    if isinstance(value, dict) and {"height", "width"} <= set(value):
        return int(value["height"]), int(value["width"])
    if isinstance(value, dict) and "shortest_edge" in value:
        return int(value["shortest_edge"]), int(value["shortest_edge"])
    if isinstance(value, (list, tuple)) and len(value) == 2:
        return int(value[0]), int(value[1])
    return None


def pooled_states(tower: Any, pixels: torch.Tensor, *, pooling: str) -> dict[str, torch.Tensor]:
    """Return every hidden state of a batch, pooled in float32, `(b, d)` each.

    Args:
        tower: the network.
        pixels: `(b, 3, h, w)`.
        pooling: as in a rule; mean and maximum are over the patches alone.

    Raises:
        InputError: the network gives no hidden states.
    """
    states = getattr(tower(pixel_values=pixels, output_hidden_states=True), "hidden_states", None)
    if states is None:
        raise InputError(
            f"{type(tower).__name__} gives no hidden states for pictures",
            hint="use the same model from timm, or import its embeddings",
        )
    prefix = prefix_length(tower)
    takes_class_token = pooling in ("cls", "cls-else-mean") and prefix > 0
    pool = spatial_max if pooling == "max" else spatial_mean
    rows = {}
    for depth, state in enumerate(states):
        features = state.float()
        patches = features[:, prefix:] if features.ndim == 3 else features
        rows[f"hidden_states.{depth}"] = class_token(features) if takes_class_token else pool(patches)
    return rows


def extract(
    blueprint: Blueprint,
    name: str,
    images: Sequence[bytes],
    ids: Sequence[str],
    rule: Rule,
    running: Running,
) -> Answer:
    """Return every hidden state of a network on every picture.

    Args:
        blueprint: the network; of a model of texts and pictures, its picture tower.
        name: what the user calls the checkpoint.
        images: encoded pictures, in the order of the data set.
        ids: of the items, for sentences.
        rule: the extraction.
        running: where, and in which batches.

    Raises:
        UsageError: the rule pools a class token that the network has not.
        InputError: the model cannot be loaded, or a picture cannot be read.
    """
    architecture = blueprint.architecture
    folder = architecture.folder if isinstance(architecture, FolderArchitecture) else Path()
    device, dtype = running.device, dtype_of(rule)
    tower = tower_of(load_model(blueprint, name)).to(device=device, dtype=dtype)
    has_class_token = prefix_length(tower) > 0
    if rule.pooling == "cls" and not has_class_token:
        raise UsageError(
            f"{name}: {type(tower).__name__} has no class token to pool by",
            hint="use pooling=mean or pooling=max, or cls-else-mean for a zoo of both kinds",
        )
    prepare = own_preparation(folder, tower.config, rule)

    def compute(pixels: torch.Tensor) -> dict[str, torch.Tensor]:
        return pooled_states(tower, pixels.to(device=device, dtype=dtype), pooling=rule.pooling)

    work = Work(name, len(images), picture_feed(prepare, images, ids, workers=running.workers), compute)
    done = run(work, running, CPU_BATCH_SIZE if device == "cpu" else GPU_BATCH_SIZE)
    resolved = {
        **prepare.resolved,
        "pooling": pooling_text(rule.pooling, has_class_token=has_class_token),
        "pooled": "none",
        "layers_from": "output_hidden_states",
        **how_computed(rule, running, done),
        "note": NOTE,
    }
    return Answer(done.layers, resolved, versions_of(*LIBRARIES), done.batch_size)
