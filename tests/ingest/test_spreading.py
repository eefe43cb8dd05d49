"""A model whose parts lie in different places gives what it gives in one; what cannot be placed is refused.

There is one device here: the parts lie in memory and on disk, which takes the same way through accelerate as
two GPUs. The way on two GPUs has its own test.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers

from ingest.embedding import chosen_device
from ingest.sources.spreading import dispatch, place
from registry.errors import UsageError

torch.set_num_threads(1)
TOKENS = torch.tensor([[1, 5, 9, 2], [3, 4, 0, 0]])
MASK = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])


def tiny() -> Any:
    torch.manual_seed(0)
    return transformers.LlamaModel(
        transformers.LlamaConfig(
            vocab_size=12, num_hidden_layers=3, num_attention_heads=2, hidden_size=16, intermediate_size=32
        )
    ).eval()


def states(model: Any, device: str = "cpu") -> list[torch.Tensor]:
    with torch.inference_mode():
        answer = model(input_ids=TOKENS.to(device), attention_mask=MASK.to(device), output_hidden_states=True)
    return [state.cpu() for state in answer.hidden_states]


def test_parts_in_different_places_give_the_same_hidden_states(tmp_path: Path) -> None:
    whole = states(tiny())
    model = tiny()
    parts = {
        "embed_tokens": "cpu",
        "rotary_emb": "cpu",
        "layers.0": "cpu",
        "layers.1": "disk",
        "layers.2": "cpu",
        "norm": "disk",
    }
    dispatch(model, parts, main_device="cpu", offload_dir=str(tmp_path))
    assert next(model.layers[1].parameters()).device.type == "meta"  # it really lies elsewhere
    for one, other in zip(states(model), whole, strict=True):
        assert torch.equal(one, other)


def test_one_device_is_a_plain_move() -> None:
    model = tiny()
    assert place(model, "cpu", torch.float32, name="tiny") == "cpu"
    assert torch.equal(states(model)[-1], states(tiny())[-1])


@pytest.mark.parametrize(
    "device", ["cpu,cpu", "cpu,cuda:0", "cuda:0,cuda:0", "cuda:7,cuda:8", "cuda:0,", "x,y"]
)
def test_devices_that_are_not_different_gpus_are_refused(device: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen_device(device)
    assert caught.value.hint


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two CUDA devices")
def test_two_gpus_give_the_hidden_states_of_one() -> None:
    one, two = tiny(), tiny()
    first = place(one, "cuda:0", torch.float32, name="tiny")
    entry = place(two, "cuda:0,cuda:1", torch.float32, name="tiny")
    for left, right in zip(states(one, first), states(two, entry), strict=True):
        assert torch.allclose(left, right, atol=1e-6)
