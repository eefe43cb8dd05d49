"""What this machine can do: the floating point operations a second of a large matrix product."""

from __future__ import annotations

import torch

from benchmarks.measuring import is_cpu, measured

SIZE_ON_CPU = 2_048
SIZE_ON_GPU = 8_192
SHORTEST = 0.15  # seconds of the processor that are measured at least


def peak_flops(device: str) -> float:
    """Return the FLOP per second of a square product: float32 on a CPU, bfloat16 on a GPU.

    Per second of the processor on a CPU, so that it is that of one core and others' work does not count; by
    the clock on a GPU. The best of five.
    """
    size = SIZE_ON_CPU if is_cpu(device) else SIZE_ON_GPU
    dtype = torch.float32 if is_cpu(device) else torch.bfloat16
    left = torch.randn((size, size), device=device).to(dtype)
    right = torch.randn((size, size), device=device).to(dtype)
    left @ right  # the first product warms up
    best, repeats = 0.0, 1
    while True:
        _, cost = measured(lambda: [left @ right for _ in range(repeats)], device)  # noqa: B023
        if cost.on(device) >= SHORTEST:
            break
        repeats *= 2
    for _ in range(5):
        _, cost = measured(lambda: [left @ right for _ in range(repeats)], device)
        best = max(best, 2.0 * size**3 * repeats / cost.on(device))
    return best
