"""Features of timm's test architectures, against direct calls of the networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import load_file

from ingest.architectures import Blueprint, FileWeights, OwnWeights, RandomWeights, TimmArchitecture
from ingest.extraction import default_rule
from ingest.pictures import decode
from ingest.sources.answers import Answer, Running
from ingest.sources.timm_catalogue import find_entry, training_data_of
from ingest.sources.timm_features import answer_batch, has_class_token, is_convolutional
from ingest.sources.timm_models import extract, load_model
from registry.errors import InputError
from registry.items import Items
from tests.ingest.conftest import make_items

RULE = default_rule("vision")


def blueprint(architecture: str, weights: Any) -> Blueprint:
    return Blueprint(TimmArchitecture(find_entry(architecture).name), weights)


def extracted(architecture: str, weights: Any, items: Items, **options: Any) -> Answer:
    rule = options.pop("rule", RULE)
    images = items.images or []
    return extract(blueprint(architecture, weights), "m", images, items.ids, rule, Running(**options))


def pixels_of(items: Items, size: int, mean: float, std: float) -> torch.Tensor:
    """Prepare pictures in other words than the code under test: Pillow, then torch."""
    batch = []
    for image in items.images or []:
        squeezed = decode(image, "").resize((size, size), resample=3)
        batch.append(torch.tensor(np.array(squeezed)).permute(2, 0, 1).float().div(255).sub(mean).div(std))
    return torch.stack(batch)


def test_a_vit_answers_with_the_class_token_of_every_block(vit_file: Path, items: Items) -> None:
    answer = extracted("test_vit", FileWeights(vit_file), items)
    assert list(answer.layers) == [f"blocks.{i}" for i in range(6)]
    model = timm.create_model("test_vit").eval()
    model.load_state_dict(load_file(vit_file))
    seen: list[torch.Tensor] = []
    for block in model.blocks:
        block.register_forward_hook(lambda _module, _inputs, output: seen.append(output[:, 0]))
    with torch.inference_mode():
        model(pixels_of(items, 160, 0.5, 0.5))
    for layer, expected in zip(answer.layers.values(), seen, strict=True):
        assert layer.shape == (6, 64)
        np.testing.assert_allclose(layer, expected.numpy(), atol=1e-5)
    assert answer.resolved["pooling"] == "class token"
    assert answer.resolved["mean"] == [0.5, 0.5, 0.5]
    assert answer.libraries["timm"] == timm.__version__


def test_an_efficientnet_answers_with_five_stages_and_what_it_pools(
    efficientnet_file: Path, items: Items
) -> None:
    answer = extracted("test_efficientnet", FileWeights(efficientnet_file), items)
    assert list(answer.layers) == [f"blocks.{i}" for i in range(5)] + ["pooled"]
    assert [layer.shape[1] for layer in answer.layers.values()] == [16, 24, 32, 48, 64, 256]
    model = timm.create_model("test_efficientnet").eval()
    model.load_state_dict(load_file(efficientnet_file))
    mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
    std = torch.tensor([0.229, 0.224, 0.225])[:, None, None]
    pixels = (pixels_of(items, 160, 0.0, 1.0) - mean) / std
    with torch.inference_mode():
        stem = model.bn1(model.conv_stem(pixels))
        for index, stage in enumerate(model.blocks):
            stem = stage(stem)
            expected = stem.flatten(2).mean(-1).numpy()
            np.testing.assert_allclose(answer.layers[f"blocks.{index}"], expected, atol=1e-5)
        pooled = model.global_pool(model.forward_features(pixels))
    np.testing.assert_allclose(answer.layers["pooled"], pooled.numpy(), atol=1e-5)


@pytest.mark.parametrize(
    "architecture",
    ["test_resnet", "test_convnext", "test_nfnet", "test_byobnet", "test_efficientnet", "test_convnext2"],
)
def test_the_pooled_features_are_those_that_the_classifier_reads(architecture: str) -> None:
    model = timm.create_model(architecture).eval()
    assert is_convolutional(model)
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        layers = answer_batch(model, pixels, pooling="cls-else-mean", with_pooled=True)
        expected = model.forward_head(model.forward_features(pixels), pre_logits=True)
        assert torch.allclose(layers["pooled"], expected, atol=1e-6)
        assert torch.allclose(model.get_classifier()(layers["pooled"]), model(pixels), atol=1e-5)


def test_a_transformer_without_a_class_token_gives_the_spatial_mean() -> None:
    model = timm.create_model("test_vit2").eval()
    assert not has_class_token(model)
    assert not is_convolutional(model)
    pixels = torch.randn(1, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        layers = answer_batch(model, pixels, pooling="cls-else-mean", with_pooled=False)
        tokens = model.forward_intermediates(pixels, output_fmt="NLC", intermediates_only=True)
    assert len(layers) == len(tokens) == 8
    assert torch.allclose(layers["blocks.7"], tokens[7].mean(1), atol=1e-6)


def test_the_mean_can_be_asked_for(vit_file: Path, items: Items) -> None:
    answer = extracted("test_vit", FileWeights(vit_file), items, rule=replace(RULE, pooling="mean"))
    assert answer.resolved["pooling"] == "spatial mean"
    classes = extracted("test_vit", FileWeights(vit_file), items)
    assert not np.allclose(answer.layers["blocks.0"], classes.layers["blocks.0"], atol=1e-3)


def test_batches_change_nothing_but_the_last_digits(efficientnet_file: Path, items: Items) -> None:
    weights = FileWeights(efficientnet_file)
    calls: list[tuple[int, int]] = []
    small = extracted(
        "test_efficientnet", weights, items, batch_size=4, progress=lambda *call: calls.append(call)
    )
    large = extracted("test_efficientnet", weights, items)
    assert calls == [(4, 6), (6, 6)]
    for name, layer in small.layers.items():
        np.testing.assert_allclose(layer, large.layers[name], atol=1e-5)


def test_a_twin_is_the_same_every_time_and_leaves_the_generator_alone(items: Items) -> None:
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    first = extracted("test_vit", RandomWeights(1), items)
    assert torch.equal(torch.rand(3), expected)
    second, other = (extracted("test_vit", RandomWeights(seed), items) for seed in (1, 2))
    assert all(np.array_equal(first.layers[name], second.layers[name]) for name in first.layers)
    assert not np.allclose(first.layers["blocks.5"], other.layers["blocks.5"], atol=1e-3)


def test_pretrained_weights_come_from_the_folder_of_the_commit(tmp_path: Path, vit_file: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(vit_file.read_bytes())
    model = load_model(blueprint("test_vit", OwnWeights(tmp_path)), "m")
    assert torch.equal(model.state_dict()["head.bias"], load_file(vit_file)["head.bias"])


def test_a_commit_without_weights_is_refused(tmp_path: Path, efficientnet_file: Path) -> None:
    with pytest.raises(InputError, match=r"has no model\.safetensors"):
        load_model(blueprint("test_vit", OwnWeights(tmp_path)), "m")
    (tmp_path / "model.safetensors").write_bytes(efficientnet_file.read_bytes())
    with pytest.raises(InputError, match=r"does not fit timm:test_vit\.r160_in1k"):
        load_model(blueprint("test_vit", OwnWeights(tmp_path)), "m")


def test_weights_of_another_network_are_refused(efficientnet_file: Path) -> None:
    with pytest.raises(InputError, match="does not fit timm:test_vit"):
        load_model(blueprint("test_vit", FileWeights(efficientnet_file)), "m")


def test_the_crop_of_the_weights_can_be_asked_for(vit_file: Path, items: Items) -> None:
    cropped = extracted("test_vit", FileWeights(vit_file), items, rule=replace(RULE, crop="own"))
    whole = extracted("test_vit", FileWeights(vit_file), items)
    assert cropped.resolved["crop"].startswith("center, 0.9")
    assert whole.resolved["crop"].startswith("none")
    assert not np.allclose(cropped.layers["blocks.5"], whole.layers["blocks.5"], atol=1e-3)


def test_a_broken_picture_is_named(vit_file: Path) -> None:
    items = make_items(3)
    broken = Items(items.ids, [*(items.images or [])[:2], b"x"])
    with pytest.raises(InputError, match="item 'item2' is not a picture"):
        extracted("test_vit", FileWeights(vit_file), broken)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_demos_networks_have_six_layers_and_their_own_size(number: int) -> None:
    model = timm.create_model(f"tf_efficientnet_lite{number}").eval()
    config = model.pretrained_cfg
    assert config["input_size"][1:] == (224 + (0, 16, 36)[number],) * 2
    assert (config["interpolation"], config["mean"], config["std"]) == ("bicubic", (0.5,) * 3, (0.5,) * 3)
    with torch.inference_mode():
        layers = answer_batch(model, torch.zeros(1, 3, 64, 64), pooling="cls-else-mean", with_pooled=True)
    assert list(layers) == ["blocks.0", "blocks.1", "blocks.2", "blocks.4", "blocks.6", "pooled"]


def test_the_words_of_a_tag_name_the_data() -> None:
    assert training_data_of("augreg_in21k_ft_in1k") == "ImageNet-21k, ImageNet-1k"
    assert training_data_of("lvd142m") == "LVD-142M"
    assert training_data_of("mae") is None
