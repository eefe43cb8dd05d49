"""Weight files with something in them that leaves a mark when it runs."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "b": torch.zeros(4)}
FORMS = ("zip", "legacy", "pickle 2", "pickle 4")


class Mark:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (str(self.folder),)


def write_marked(
    path: Path, mark: Path, state: Mapping[str, torch.Tensor] = STATE, *, form: str = "zip"
) -> Path:
    """Write good weights beside something that makes the folder `mark` when it is unpickled."""
    content = {"state_dict": dict(state), "args": Mark(mark)}
    if form.startswith("pickle"):
        path.write_bytes(pickle.dumps(content, protocol=int(form[-1])))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=form == "zip")
    return path
