"""From tokens or feature maps to one row per item."""

from __future__ import annotations

import torch
from torch import Tensor


def class_token(prefix: Tensor) -> Tensor:
    """Return the class token of every item.

    Args:
        prefix: the tokens before the patches, `(n, p, d)`; the class token is the first.

    Returns:
        `(n, d)`.
    """
    return prefix[:, 0]


def spatial_mean(features: Tensor) -> Tensor:
    """Return the mean over all places of every item's feature map.

    Args:
        features: `(n, d, h, w)`, or tokens `(n, t, d)`.

    Returns:
        `(n, d)`.

    Raises:
        ValueError: the features have another number of axes.
    """
    if features.ndim == 4:
        return features.mean(dim=(2, 3))
    if features.ndim == 3:
        return features.mean(dim=1)
    raise ValueError(f"features need 3 or 4 axes, found {features.ndim}")


def spatial_max(features: Tensor) -> Tensor:
    """Return the largest value over all places of every item's feature map, channel by channel.

    Args:
        features: `(n, d, h, w)`, or tokens `(n, t, d)`.

    Returns:
        `(n, d)`.

    Raises:
        ValueError: the features have another number of axes.
    """
    if features.ndim == 4:
        return features.amax(dim=(2, 3))
    if features.ndim == 3:
        return features.amax(dim=1)
    raise ValueError(f"features need 3 or 4 axes, found {features.ndim}")


def masked_mean(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the mean over the tokens of every item that are not padding.

    Args:
        hidden: `(n, t, d)`.
        mask: `(n, t)`, 1 for a token and 0 for padding; every item has a token.

    Returns:
        `(n, d)`.

    Raises:
        ValueError: an item has no token.
    """
    counts = _token_counts(mask)
    weights = mask.to(hidden.dtype).unsqueeze(-1)  # (n, t, 1)
    return (hidden * weights).sum(dim=1) / counts.to(hidden.dtype)


def masked_max(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the largest value over the tokens of every item that are not padding, channel by channel.

    Takes and raises what `masked_mean` does.
    """
    _token_counts(mask)
    lowest = torch.finfo(hidden.dtype).min
    return hidden.masked_fill(mask.unsqueeze(-1) == 0, lowest).amax(dim=1)


def first_token(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the first token of every item that is not padding, on whichever side the padding stands.

    Takes and raises what `masked_mean` does.
    """
    _token_counts(mask)
    return _at(hidden, mask.argmax(dim=1))  # the first of the equal largest


def last_token(hidden: Tensor, mask: Tensor) -> Tensor:
    """Return the last token of every item that is not padding, on whichever side the padding stands.

    Takes and raises what `masked_mean` does.
    """
    _token_counts(mask)
    return _at(hidden, mask.shape[1] - 1 - mask.flip(1).argmax(dim=1))


def _at(hidden: Tensor, positions: Tensor) -> Tensor:
    return hidden[torch.arange(len(hidden), device=hidden.device), positions]


def _token_counts(mask: Tensor) -> Tensor:
    counts = mask.sum(dim=1, keepdim=True)  # (n, 1)
    if bool((counts == 0).any()):
        raise ValueError("an item has no token to average over")
    return counts
