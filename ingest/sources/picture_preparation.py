"""How pictures become a network's input under a rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ingest.extraction import Rule
from ingest.pictures import DECODING, decode, resized


class Preparation:
    """Decodes, squeezes and normalises pictures; what each `own` of the rule was is in `resolved`."""

    def __init__(
        self,
        rule: Rule,
        *,
        size: tuple[int, int],
        interpolation: str,
        mean: Sequence[float],
        std: Sequence[float],
    ) -> None:
        """Take what is the network's own.

        Args:
            rule: what overrides it.
            size: height and width of the input.
            interpolation: `bicubic`, `bilinear`, `lanczos` or `nearest`.
            mean: of each channel, of values between 0 and 1.
            std: likewise.
        """
        is_own = rule.normalisation == "own"
        self.size = size
        self.interpolation = interpolation if rule.interpolation == "own" else str(rule.interpolation)
        self.mean = tuple(mean) if is_own else (0.0, 0.0, 0.0)
        self.std = tuple(std) if is_own else (1.0, 1.0, 1.0)
        self._transform: Callable[[Any], torch.Tensor] | None = None
        self.resolved: dict[str, Any] = {
            "input_size": list(self.size),
            "crop": "none: the whole picture is squeezed to the input size",
            "interpolation": self.interpolation,
            "mean": list(self.mean),
            "std": list(self.std),
            **DECODING,
        }

    def use_transform(self, transform: Callable[[Any], torch.Tensor], crop: str) -> None:
        """Prepare by a library's own function instead, and record what crop that is."""
        self._transform = transform
        self.resolved["crop"] = crop

    def __call__(self, images: Sequence[bytes], ids: Sequence[str]) -> torch.Tensor:
        """Return a batch, `(b, 3, h, w)`."""
        pictures = [decode(data, item_id) for data, item_id in zip(images, ids, strict=True)]
        if self._transform is not None:
            return torch.stack([self._transform(picture) for picture in pictures])
        stacked = np.stack(
            [resized(picture, self.size, self.interpolation) for picture in pictures]
        )  # (b, h, w, 3)
        mean, std = np.asarray(self.mean, dtype=np.float32), np.asarray(self.std, dtype=np.float32)
        return torch.from_numpy((stacked - mean) / std).permute(0, 3, 1, 2).contiguous()


def pooling_text(pooling: str, *, has_class_token: bool) -> str:
    """Return what a rule's pooling of pictures comes to for a network."""
    if pooling == "cls" or (pooling == "cls-else-mean" and has_class_token):
        return "class token"
    return "spatial maximum" if pooling == "max" else "spatial mean"


def interpolation_of(settings: Mapping[str, Any], default: str) -> str:
    """Return the word for what a picture processor's configuration calls `resample`, by Pillow's numbers."""
    words = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic"}
    number = settings.get("resample")
    return words.get(number, default) if isinstance(number, int) else default
