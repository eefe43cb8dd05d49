"""Run every target of a zoo: what the tests start as a process of its own, and kill."""

from __future__ import annotations

import sys
from pathlib import Path

import torch

from compute.runner import RunOptions, run_targets
from registry.errors import RegistryError
from registry.handle import open_registry
from registry.settings import load_settings


def main(folder: str, unit_layer_pairs: str) -> int:
    torch.set_num_threads(1)
    registry = open_registry(load_settings(Path(folder)))
    try:
        run_targets(registry, options=RunOptions(device="cpu", unit_layer_pairs=int(unit_layer_pairs)))
    except RegistryError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
