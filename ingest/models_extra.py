"""Whether the libraries that run models are installed."""

from __future__ import annotations

import importlib

from registry.errors import MissingExtra

MODULES = ("torch", "timm", "transformers", "sklearn")


def require_models(what: str) -> None:
    """Make sure that models can be built here.

    Args:
        what: the action that needs them, for the sentence.

    Raises:
        MissingExtra: a library of the extra `models` is missing.
    """
    for module in MODULES:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MissingExtra(
                f"{what} needs the library {module}: {error}", hint="pip install 'cavewall[models]'"
            ) from error
