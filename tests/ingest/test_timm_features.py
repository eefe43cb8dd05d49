"""The layers of every kind of timm network: against hooks, against torchvision, without timm's help."""

from __future__ import annotations

from typing import Any

import pytest
import timm
import torch
from torchvision.models.feature_extraction import create_feature_extractor

from ingest.sources.timm_features import (
    answer_batch,
    gives_intermediates,
    has_class_token,
    is_convolutional,
    require_pooling,
    stage_names,
)
from registry.errors import InputError, UsageError

torch.set_num_threads(1)
TRACEABLE = ("vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224")  # by torch.fx, whatever the size
WITH_CLASS_TOKEN = ("test_vit", "eva02_tiny_patch14_224", *TRACEABLE)
ARCHITECTURES = (
    "test_byobnet", "test_coatnet", "test_convnext", "test_convnext2", "test_convnext3",
    "test_efficientnet", "test_efficientnet_evos", "test_efficientnet_gn", "test_efficientnet_ln",
    "test_mambaout", "test_maxvit", "test_nfnet", "test_resnet", "test_vit", "test_vit2", "test_vit3",
    "test_vit4", "test_vit_relpos", "vit_tiny_patch16_224", "deit_tiny_distilled_patch16_224",
    "eva02_tiny_patch14_224", "xcit_nano_12_p16_224", "cait_xxs24_224", "convit_tiny", "mobilevit_xxs",
    "edgenext_xx_small", "levit_128s", "swin_tiny_patch4_window7_224", "poolformer_s12", "mixer_s32_224",
    "vit_tiny_r_s16_p8_224", "repvit_m0_9", "regnetx_002", "densenet121",
)  # fmt: skip


def network(name: str, seed: int = 0) -> Any:
    torch.manual_seed(seed)
    return timm.create_model(name, pretrained=False).eval()


def noise(model: Any, count: int = 2) -> torch.Tensor:
    size = model.pretrained_cfg["input_size"][-1]
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


class WithoutIntermediates:
    """A network as it would be if timm gave no intermediate features: all attributes but one."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        if name == "forward_intermediates":
            raise AttributeError(name)
        return getattr(self._model, name)

    def __call__(self, pixels: torch.Tensor) -> Any:
        return self._model(pixels)


@pytest.mark.parametrize("name", WITH_CLASS_TOKEN)
def test_class_tokens_are_exactly_those_of_hooks_on_the_blocks(name: str) -> None:
    model = network(name)
    pixels = noise(model)
    seen: list[torch.Tensor] = []
    handles = [
        block.register_forward_hook(lambda _module, _inputs, output: seen.append(output[:, 0].clone()))
        for block in model.blocks
    ]
    with torch.inference_mode():
        model(pixels)
        for handle in handles:
            handle.remove()
        layers = answer_batch(model, pixels, pooling="cls", with_pooled=False)
    depth = len(model.blocks)
    assert list(layers) == [f"blocks.{i}" for i in range(depth)]
    assert all(torch.equal(layers[f"blocks.{i}"], seen[i]) for i in range(depth))


@pytest.mark.parametrize("name", TRACEABLE)
def test_class_tokens_are_exactly_those_of_torchvisions_nodes(name: str) -> None:
    model = network(name)
    pixels = noise(model)
    nodes = {f"blocks.{i}.add_1": f"blocks.{i}" for i in range(len(model.blocks))}
    with torch.inference_mode():
        layers = answer_batch(model, pixels, pooling="cls", with_pooled=False)
        theirs = create_feature_extractor(model, nodes)(pixels)
    assert list(layers) == list(nodes.values())
    assert all(torch.equal(layers[block], theirs[block][:, 0]) for block in layers)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_kind_of_network_answers_with_one_row_per_picture_and_layer(name: str) -> None:
    model = network(name)
    pixels = noise(model)
    with torch.inference_mode():
        for pooling in ("cls-else-mean", "max"):
            layers = answer_batch(model, pixels, pooling=pooling, with_pooled=is_convolutional(model))
            assert len(layers) >= 3
            for rows in layers.values():
                assert (rows.ndim, len(rows)) == (2, 2)
                assert torch.isfinite(rows).all()


@pytest.mark.parametrize(
    "name", ["test_resnet", "test_convnext", "test_vit", "test_vit2", "swin_tiny_patch4_window7_224"]
)
@pytest.mark.parametrize("pooling", ["cls-else-mean", "mean", "max"])
def test_hooks_on_the_stages_give_what_timm_gives(name: str, pooling: str) -> None:
    model = network(name)
    pixels = noise(model)
    bare: Any = WithoutIntermediates(model)
    assert gives_intermediates(model)
    assert not gives_intermediates(bare)
    with torch.inference_mode():
        given = answer_batch(model, pixels, pooling=pooling, with_pooled=False)
        hooked = answer_batch(bare, pixels, pooling=pooling, with_pooled=False)
    for stage, rows in hooked.items():
        assert torch.allclose(rows, given[stage], atol=1e-6), stage
    assert list(hooked) == [name for name in given if name in hooked]
    assert len(hooked) >= 4


class NumberedStages(torch.nn.Module):
    """A network of the form of torchvision's ResNets: layer1, layer2 …"""

    def __init__(self) -> None:
        super().__init__()
        self.layer1, self.layer2 = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 5, 3)
        self.fc = torch.nn.Linear(5, 2)

    def forward(self, pixels: torch.Tensor) -> Any:
        return self.fc(self.layer2(self.layer1(pixels)).mean((2, 3)))


def test_numbered_layers_are_stages_and_a_network_without_any_is_refused() -> None:
    model = NumberedStages().eval()
    assert stage_names(model) == ["layer1", "layer2"]
    pixels = torch.randn(2, 3, 8, 8)
    with torch.inference_mode():
        layers = answer_batch(model, pixels, pooling="mean", with_pooled=False)
        assert torch.equal(layers["layer2"], model.layer2(model.layer1(pixels)).mean((2, 3)))
        with pytest.raises(ValueError, match="NumberedStages has no class token"):
            answer_batch(model, pixels, pooling="cls", with_pooled=False)
        with pytest.raises(InputError, match="Linear has neither forward_intermediates nor stages"):
            answer_batch(torch.nn.Linear(2, 2), torch.zeros(1, 2), pooling="mean", with_pooled=False)


@pytest.mark.parametrize("name", ["test_resnet", "test_vit2", "cait_xxs24_224", "test_maxvit"])
def test_the_class_token_of_a_network_without_one_is_refused(name: str) -> None:
    with torch.device("meta"):
        model = timm.create_model(name)
    assert not has_class_token(model)
    require_pooling(model, "cls-else-mean", "m")
    with pytest.raises(UsageError, match=r"m: the layers of .* have no class token to pool by"):
        require_pooling(model, "cls", "m")
