"""From tokens or feature maps to one row per item."""

from __future__ import annotations

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
    counts = mask.sum(dim=1, keepdim=True)  # (n, 1)
    if bool((counts == 0).any()):
        raise ValueError("an item has no token to average over")
    weights = mask.to(hidden.dtype).unsqueeze(-1)  # (n, t, 1)
    return (hidden * weights).sum(dim=1) / counts.to(hidden.dtype)
