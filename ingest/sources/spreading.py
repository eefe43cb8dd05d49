"""A model on one device, or spread over several GPUs, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from registry.errors import MissingExtra, UsageError

FILLED_AT_MOST = 0.8  # of a GPU's free memory: the rest is for what a batch needs


def place(model: Any, device: str, dtype: torch.dtype, *, name: str) -> str:
    """Put a model where it is to compute, and return the device that its inputs go to.

    Args:
        model: in the host's memory.
        device: one torch device; or several GPUs, `cuda:0,cuda:1`, over which accelerate spreads the model.
        dtype: what it computes in.
        name: what the user calls the checkpoint.

    Raises:
        MissingExtra: several GPUs are asked for, and accelerate is not installed.
        UsageError: the model does not fit into their memory.
    """
    devices = device.split(",")
    if len(devices) == 1:
        model.to(device=device, dtype=dtype)
        return device
    try:
        from accelerate import infer_auto_device_map
    except ModuleNotFoundError as error:
        raise MissingExtra(
            f"spreading {name} over {device} needs the library accelerate", hint="pip install accelerate"
        ) from error
    model.to(dtype)
    whole = sorted(getattr(model, "_no_split_modules", None) or [])
    device_map = infer_auto_device_map(
        model, max_memory=_room(devices), no_split_module_classes=whole, dtype=dtype
    )
    if {"cpu", "disk"} & {str(part) for part in device_map.values()}:
        raise UsageError(
            f"{name} does not fit into {FILLED_AT_MOST:.0%} of the free memory of {device}",
            hint="name more GPUs, or compute in half the bytes: --dtype bf16",
        )
    dispatch(model, device_map)
    return devices[0]


def dispatch(model: Any, device_map: Mapping[str, Any], **options: Any) -> None:
    """Put the parts of a model on their devices; what passes from one to another is moved.

    Args:
        model: in the host's memory.
        device_map: the device of every part, by the part's name.
        **options: of accelerate's `dispatch_model`.
    """
    from accelerate import dispatch_model

    dispatch_model(model, device_map=dict(device_map), **options)


def _room(devices: Sequence[str]) -> dict[int | str, int]:
    indices = [torch.device(device).index for device in devices]
    return {index: int(torch.cuda.mem_get_info(index)[0] * FILLED_AT_MOST) for index in indices}
