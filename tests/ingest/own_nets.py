"""Entry points for tests: small networks, written into a folder as a user would."""

from __future__ import annotations

import itertools
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

ROOT = Path(__file__).resolve().parents[2]
_NUMBERS = itertools.count()
SMALL = """
import torch
from torch import nn
from ingest.entry_points import Network, Pictures

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(4, 5, 3, stride=2), nn.ReLU(), nn.Conv2d(5, 6, 1))
        self.head = nn.Linear(6, 2)
    def forward(self, x):
        return self.head(self.body(self.stem(x)).mean((2, 3)))

def plain():
    return Small()
"""


def write_module(folder: Path, text: str) -> str:
    """Write a module under a name that no other test imports, and return the name."""
    name = f"own_nets_{os.getpid()}_{next(_NUMBERS)}"
    (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return name


def documented_module() -> str:
    """Return the worked example of the documentation."""
    text = (ROOT / "docs" / "architectures.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", text, flags=re.DOTALL | re.MULTILINE)
    return code


def small_state(seed: int = 0) -> dict[str, torch.Tensor]:
    """Return weights of `Small`, drawn under a seed."""
    generator = torch.Generator().manual_seed(seed)
    shapes = {
        "stem.weight": (4, 3, 3, 3),
        "stem.bias": (4,),
        "body.0.weight": (5, 4, 3, 3),
        "body.0.bias": (5,),
        "body.2.weight": (6, 5, 1, 1),
        "body.2.bias": (6,),
        "head.weight": (2, 6),
        "head.bias": (2,),
    }
    return {name: torch.randn(shape, generator=generator) for name, shape in shapes.items()}


def real_data() -> Path:
    """Return the folder of real data, or skip where there is none."""
    folder = Path(os.environ.get("CAVEWALL_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not (folder / "weights" / "cifar_resnets").is_dir():
        pytest.skip("no data")
    return folder


def cifar(folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return 1,000 pictures of CIFAR-10 and their labels."""
    with np.load(folder / "images" / "cifar10_test_A_1000.npz") as data:
        return data["images"], data["labels"]
