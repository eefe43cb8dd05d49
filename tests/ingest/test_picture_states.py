"""Picture networks of transformers: a ViT, a ConvNet, the towers of CLIP and SigLIP, against direct calls."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from ingest.architectures import Blueprint, FolderArchitecture, OwnWeights
from ingest.checkpoints import add_checkpoint
from ingest.datasets import add_dataset
from ingest.embedding import embed_checkpoint
from ingest.extraction import default_rule
from ingest.pictures import decode
from ingest.sources.answers import Answer, Running
from ingest.sources.picture_states import extract
from registry.errors import InputError, UsageError
from registry.handle import Registry
from registry.items import Items

torch.set_num_threads(1)
RULE = default_rule("vision")
SMALL = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}
VISION = {"image_size": 16, "patch_size": 8, **SMALL}
TEXT = {"vocab_size": 20, "eos_token_id": 2, **SMALL}
MODELS: dict[str, Callable[[], Any]] = {
    "vit": lambda: transformers.ViTModel(transformers.ViTConfig(**VISION)),
    "dinov2_with_registers": lambda: transformers.Dinov2WithRegistersModel(
        transformers.Dinov2WithRegistersConfig(num_register_tokens=2, **VISION)
    ),
    "clip": lambda: transformers.CLIPModel(transformers.CLIPConfig(text_config=TEXT, vision_config=VISION)),
    "clip_tower": lambda: transformers.CLIPVisionModel(transformers.CLIPVisionConfig(**VISION)),
    "siglip_tower": lambda: transformers.SiglipVisionModel(transformers.SiglipVisionConfig(**VISION)),
    "convnext": lambda: transformers.ConvNextModel(
        transformers.ConvNextConfig(hidden_sizes=[8, 12], depths=[1, 1], num_stages=2, image_size=16)
    ),
}
PREFIX = {"vit": 1, "dinov2_with_registers": 3, "clip": 1, "clip_tower": 1, "siglip_tower": 0, "convnext": 0}


def make(folder: Path, kind: str) -> Any:
    """Write a tiny network into a folder and return it."""
    torch.manual_seed(6)
    model = MODELS[kind]().eval()
    model.save_pretrained(folder)
    return model


def extracted(folder: Path, items: Items, **changes: Any) -> Answer:
    blueprint = Blueprint(FolderArchitecture(folder, f"path:{folder}"), OwnWeights(folder))
    rule = replace(RULE, **changes)
    return extract(blueprint, "m", items.images or [], items.ids, rule, Running(batch_size=4))


def pixels_of(items: Items, mean: float, std: float, resample: int = 3) -> torch.Tensor:
    rows = [np.array(decode(image, "").resize((16, 16), resample=resample)) for image in items.images or []]
    return torch.tensor(np.stack(rows)).permute(0, 3, 1, 2).float().div(255).sub(mean).div(std)


@pytest.mark.parametrize("kind", list(MODELS))
def test_layers_are_the_hidden_states_that_the_library_gives(tmp_path: Path, items: Items, kind: str) -> None:
    model = make(tmp_path, kind)
    tower = getattr(model, "vision_model", model)
    with torch.inference_mode():
        states = tower(pixel_values=pixels_of(items, 0.5, 0.5), output_hidden_states=True).hidden_states
    default, mean, largest = (
        extracted(tmp_path, items, pooling=word) for word in ("cls-else-mean", "mean", "max")
    )
    assert len(states) == len(default.layers) == 3
    for name, state in zip(default.layers, states, strict=True):
        places = state.flatten(2).mT if state.ndim == 4 else state[:, PREFIX[kind] :]
        expected = state[:, 0] if PREFIX[kind] else places.mean(1)
        np.testing.assert_allclose(default.layers[name], expected, atol=2e-6)
        np.testing.assert_allclose(mean.layers[name], places.mean(1), atol=2e-6)
        np.testing.assert_allclose(largest.layers[name], places.amax(1), atol=2e-6)
    assert default.resolved["pooling"] == ("class token" if PREFIX[kind] else "spatial mean")


@pytest.mark.parametrize("kind", ["siglip_tower", "convnext"])
def test_the_class_token_of_a_network_without_one_is_refused(tmp_path: Path, items: Items, kind: str) -> None:
    make(tmp_path, kind)
    with pytest.raises(UsageError, match="has no class token to pool by"):
        extracted(tmp_path, items, pooling="cls")


def test_pictures_are_prepared_as_the_processor_says(tmp_path: Path, items: Items) -> None:
    model = make(tmp_path, "vit")
    settings = {
        "image_mean": [0.1] * 3,
        "image_std": [0.3] * 3,
        "resample": 2,
        "size": {"height": 16, "width": 16},
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    answer = extracted(tmp_path, items)
    assert (answer.resolved["mean"], answer.resolved["interpolation"]) == ([0.1] * 3, "bilinear")
    with torch.inference_mode():
        states = model(pixels_of(items, 0.1, 0.3, resample=2), output_hidden_states=True).hidden_states
    np.testing.assert_allclose(answer.layers["hidden_states.2"], states[2][:, 0], atol=2e-6)
    with pytest.raises(UsageError, match="crop=own is supported for models of timm alone"):
        extracted(tmp_path, items, crop="own")
    (tmp_path / "preprocessor_config.json").write_text("{")
    with pytest.raises(InputError, match=r"preprocessor_config\.json is not JSON"):
        extracted(tmp_path, items)


def test_a_picture_tower_is_a_checkpoint_like_any_other(
    sqlite_registry: Registry, tmp_path: Path, items: Items
) -> None:
    make(tmp_path / "clip", "clip_tower")
    dataset_id = add_dataset(sqlite_registry, "toy", items).dataset_id
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{tmp_path / 'clip'}").checkpoint_id
    first = embed_checkpoint(sqlite_registry, checkpoint_id, dataset_id)
    again = embed_checkpoint(sqlite_registry, checkpoint_id, dataset_id, replace=True)
    assert (first.outcome, first.layer_count, again.outcome) == ("added", 3, "unchanged")
