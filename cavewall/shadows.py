"""Notice when a file of the user's own hides one of our layers."""

from __future__ import annotations

import importlib.util
from pathlib import Path

LAYERS = ("registry", "ingest", "compute", "analysis")


def refuse_shadows() -> None:
    """Raise one ImportError that names the file where a user's `registry.py` would be imported for ours.

    The layers are plain top-level packages, so a file or a folder of the same name beside a script comes
    first on the import path. Nothing is imported to find out.
    """
    home = Path(__file__).resolve().parent.parent
    for layer in LAYERS:
        found = _place_of(layer)
        if found and (home / layer) not in found:
            raise ImportError(
                f"cavewall needs its own package '{layer}', but {_shown(layer, found[0])} hides it: "
                f"rename that file, or run Python from another folder"
            )


def _place_of(layer: str) -> list[Path]:
    """Return the folders that an import of the layer would read, or the file where it is a plain module."""
    try:
        spec = importlib.util.find_spec(layer)
    except ValueError:  # a module without a spec was put into sys.modules by hand
        return []
    if spec is None:
        return []
    if spec.submodule_search_locations is not None:
        return [Path(location).resolve() for location in spec.submodule_search_locations]
    return [Path(spec.origin).resolve()] if spec.origin else []


def _shown(layer: str, found: Path) -> str:
    return f"the folder {found}" if found.name == layer else str(found)
