"""Arrays of a user's, from whatever library, as numpy has them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from registry.errors import InputError


def plain_layers(layers: Mapping[str, Any]) -> dict[str, Any]:
    """Return layers without what numpy cannot take: tensors on a device, with gradients, or of bfloat16.

    A half-precision float becomes float32, exactly. Nothing else changes: what is no matrix of floats is
    refused where layers are checked.

    Raises:
        InputError: the layers have no names.
    """
    if not isinstance(layers, Mapping):
        raise InputError(
            f"expected layers by name, found {type(layers).__name__}",
            hint='write {"blocks.0": array, "blocks.1": array}, in order of depth',
        )
    return {name: _plain(layer) for name, layer in layers.items()}


def _plain(layer: Any) -> Any:
    if type(layer).__module__.partition(".")[0] == "torch" and hasattr(layer, "detach"):
        layer = layer.detach().cpu()
        return (layer.float() if layer.is_floating_point() and layer.itemsize < 4 else layer).numpy()
    if str(getattr(layer, "dtype", "")) == "bfloat16":  # numpy's own has none: that of ml_dtypes, or JAX's
        import numpy as np

        return np.asarray(layer).astype(np.float32)
    return layer
