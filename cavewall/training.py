"""Callbacks that register the checkpoints of a training run while it goes on.

    from cavewall.training import RegisterCheckpoints             # transformers' Trainer
    trainer.add_callback(RegisterCheckpoints("/zoo", series="r8"))

    from cavewall.training import RegisterCheckpointsLightning    # Lightning's Trainer
    Trainer(callbacks=[RegisterCheckpointsLightning("/zoo", series="r8")])

This module imports neither library, and none of Cavewall's layers: a callback is made of the library that is
there, at the moment when it is asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cavewall.training_lightning import RegisterCheckpointsLightning
    from cavewall.training_transformers import RegisterCheckpoints

__all__ = ["RegisterCheckpoints", "RegisterCheckpointsLightning"]

PLACES = {
    "RegisterCheckpoints": "cavewall.training_transformers",
    "RegisterCheckpointsLightning": "cavewall.training_lightning",
}


def __getattr__(name: str) -> Any:
    """Return a callback's class, made of the library that it is for."""
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(PLACES[name]), name)
