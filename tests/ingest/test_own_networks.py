"""Layers of a network of the user's own, against a pass by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from ingest.architectures import EntryPointWeights
from ingest.entry_points import Network
from ingest.extraction import default_rule
from ingest.pictures import decode
from ingest.sources.answers import Answer, Running
from ingest.sources.own_networks import chosen_layers, extract, hooked, pooled
from ingest.trust import NO_TRUST, Trust
from registry.errors import InputError, UsageError
from registry.items import Items
from tests.ingest.own_nets import SMALL, small_state, write_module

torch.set_num_threads(1)
RULE = default_rule("vision")


def extracted(folder: Path, text: str, items: Items, **options: object) -> Answer:
    save_file(small_state(), folder / "w.safetensors")
    entry_point = f"{write_module(folder, text)}:plain"
    weights = EntryPointWeights(
        entry_point, folder / "w.safetensors", Trust(entry_points={entry_point: folder})
    )
    rule = replace(RULE, **options)  # type: ignore[arg-type]
    return extract(weights, "m", items.images or [], items.ids, rule, Running(batch_size=4))


def test_layers_are_the_spatial_means_of_the_blocks_in_order(tmp_path: Path, items: Items) -> None:
    answer = extracted(tmp_path, SMALL, items)
    assert list(answer.layers) == ["stem", "body.0", "body.2"]
    images = [np.array(decode(image, "")) for image in items.images or []]
    hidden = torch.tensor(np.stack(images)).permute(0, 3, 1, 2) / 255
    state = small_state()
    expected = {}
    with torch.inference_mode():
        hidden = nn.functional.conv2d(hidden, state["stem.weight"], state["stem.bias"], padding=1)
        expected["stem"] = hidden
        hidden = nn.functional.conv2d(hidden, state["body.0.weight"], state["body.0.bias"], stride=2)
        expected["body.0"] = hidden
        hidden = nn.functional.conv2d(hidden.relu(), state["body.2.weight"], state["body.2.bias"])
        expected["body.2"] = hidden
    for name, layer in answer.layers.items():
        np.testing.assert_allclose(layer, expected[name].flatten(2).mean(-1), atol=1e-5)
    assert answer.resolved["input_size"] == [20, 24]
    assert len(answer.resolved["architecture_sha256"]) == 64


def test_the_named_layers_and_the_preprocessing_are_the_users(tmp_path: Path, items: Items) -> None:
    pictures = "Pictures((8, 9), (.5,) * 3, (.25,) * 3, 'nearest')"
    text = SMALL.replace(
        "return Small()", f"return Network(Small(), layers=['head', 'stem'], pictures={pictures})"
    )
    answer = extracted(tmp_path, text, items)
    assert {name: layer.shape for name, layer in answer.layers.items()} == {"stem": (6, 4), "head": (6, 2)}
    assert list(answer.layers) == ["stem", "head"]  # in order of execution, not of naming
    assert answer.resolved["input_size"] == [8, 9]
    assert (answer.resolved["interpolation"], answer.resolved["std"]) == ("nearest", [0.25] * 3)
    raw = extracted(tmp_path, text, items, normalisation="none")
    assert raw.resolved["mean"] == [0.0] * 3
    assert not np.allclose(raw.layers["stem"], answer.layers["stem"])


def test_a_layer_that_is_not_there_is_named(tmp_path: Path, items: Items) -> None:
    text = SMALL.replace("return Small()", "return Network(Small(), layers=['stam'])")
    with pytest.raises(InputError, match="no submodule 'stam'") as caught:
        extracted(tmp_path, text, items)
    assert caught.value.hint == "its children are stem, body, head"


def test_an_untrusted_network_does_not_answer(items: Items, tmp_path: Path) -> None:
    save_file(small_state(), tmp_path / "w.safetensors")
    weights = EntryPointWeights("nets:f", tmp_path / "w.safetensors", NO_TRUST)
    with pytest.raises(UsageError, match="runs only where you say so"):
        extract(weights, "m", items.images or [], items.ids, RULE, Running())


def test_tokens_are_pooled_as_the_rule_says() -> None:
    tokens = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(pooled(tokens, pooling="cls-else-mean", prefix_tokens=1), tokens[:, 0])
    assert torch.equal(pooled(tokens, pooling="cls-else-mean", prefix_tokens=0), tokens.mean(1))
    assert torch.equal(pooled(tokens, pooling="mean", prefix_tokens=1), tokens[:, 1:].mean(1))
    assert torch.equal(pooled(tokens, pooling="max", prefix_tokens=2), tokens[:, 2:].amax(1))
    assert torch.equal(pooled(tokens[:, 0], pooling="cls", prefix_tokens=0), tokens[:, 0])
    with pytest.raises(UsageError, match="no class token"):
        pooled(tokens, pooling="cls", prefix_tokens=0)
    with pytest.raises(InputError, match="puts out 1 axes"):
        pooled(tokens[0, 0], pooling="mean", prefix_tokens=0)


def test_what_runs_twice_is_numbered() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.one = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            answer: torch.Tensor = self.one(self.one(x))
            return answer

    module = Twice()
    with hooked(module, ["one"]) as seen:
        answer = module(torch.ones(1, 2))
        assert list(seen) == ["one", "one#2"]
        assert torch.equal(seen["one#2"], answer)
    module(torch.zeros(1, 2))
    assert torch.equal(seen["one#2"], answer)  # the hooks are gone


def test_a_network_without_blocks_must_name_its_layers() -> None:
    with pytest.raises(InputError, match="names no layer and has no blocks"):
        chosen_layers(Network(nn.Sequential(nn.Flatten(), nn.Linear(3, 2))))
