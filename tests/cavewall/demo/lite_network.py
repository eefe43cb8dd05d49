"""EfficientNet-Lite from its definition, on tensors that carry the original names: a twin for the tests."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# Of each stage: how often its block repeats, and the stride of its first block (Tan and Le 2019, table 1).
STAGES = {
    0: ((1, 1), (2, 2), (2, 2), (3, 2), (3, 1), (4, 2), (1, 1)),
    1: ((1, 1), (3, 2), (3, 2), (4, 2), (4, 1), (5, 2), (1, 1)),
    2: ((1, 1), (3, 2), (3, 2), (4, 2), (4, 1), (5, 2), (1, 1)),
}


def logits(state: dict[str, Tensor], pictures: Tensor, *, size: int) -> Tensor:
    """Return the scores of the 1,000 classes for `(n, 3, side, side)` pictures with values in [-1, 1]."""
    hidden = functional.relu6(_normalised(state, "_bn0", _convolved(state, "_conv_stem", pictures, stride=2)))
    block = 0
    for count, first_stride in STAGES[size]:
        for repeat in range(count):
            hidden = _block(state, f"_blocks.{block}", hidden, stride=1 if repeat else first_stride)
            block += 1
    hidden = functional.relu6(_normalised(state, "_bn1", _convolved(state, "_conv_head", hidden)))
    return functional.linear(hidden.mean(dim=(2, 3)), state["_fc.weight"], state["_fc.bias"])


def _block(state: dict[str, Tensor], name: str, entering: Tensor, *, stride: int) -> Tensor:
    hidden = entering
    if f"{name}._expand_conv.weight" in state:
        expanded = _convolved(state, f"{name}._expand_conv", hidden)
        hidden = functional.relu6(_normalised(state, f"{name}._bn0", expanded))
    depthwise = _convolved(state, f"{name}._depthwise_conv", hidden, stride=stride, groups=hidden.shape[1])
    hidden = functional.relu6(_normalised(state, f"{name}._bn1", depthwise))
    hidden = _normalised(state, f"{name}._bn2", _convolved(state, f"{name}._project_conv", hidden))
    return hidden + entering if stride == 1 and hidden.shape == entering.shape else hidden


def _convolved(
    state: dict[str, Tensor], name: str, entering: Tensor, *, stride: int = 1, groups: int = 1
) -> Tensor:
    """Convolve with TensorFlow's padding: as many outputs as strides fit, the odd pixel behind."""
    weight = state[f"{name}.weight"]
    side, kernel = entering.shape[-1], weight.shape[-1]
    margin = max((-(-side // stride) - 1) * stride + kernel - side, 0)
    before, after = margin // 2, margin - margin // 2
    padded = functional.pad(entering, (before, after, before, after))
    return functional.conv2d(padded, weight, stride=stride, groups=groups)


def _normalised(state: dict[str, Tensor], name: str, entering: Tensor) -> Tensor:
    mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
    scale = state[f"{name}.weight"] / torch.sqrt(variance + 1e-3)
    shift = state[f"{name}.bias"] - mean * scale
    return entering * scale[:, None, None] + shift[:, None, None]
