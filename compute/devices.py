"""Where to compute."""

from __future__ import annotations

import torch

from registry.errors import UsageError


def resolve_device(name: str) -> str:
    """Return a torch device for `auto`, `cpu`, `cuda` or `cuda:N`.

    Raises:
        UsageError: it is no such word, or this machine has no such device.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, index = name.partition(":")
    if kind not in {"cpu", "cuda"} or (index and not index.isdigit()):
        raise UsageError(f"no device '{name}'", hint="give auto, cpu, cuda or cuda:N")
    if kind == "cuda" and int(index or 0) >= torch.cuda.device_count():
        raise UsageError(
            f"device '{name}': this machine has {torch.cuda.device_count()} CUDA devices",
            hint="give --device cpu",
        )
    return name
