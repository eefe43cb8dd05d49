"""Files that stay where they are: in a declared place, and holding exactly what is registered."""

from __future__ import annotations

from pathlib import Path

from ingest.embedding_files.parts import Part
from ingest.embedding_files.safetensors_files import stored_types
from ingest.recording import InPlace
from registry.errors import UsageError
from registry.handle import Registry
from registry.store import StoredFile


def place_of_file(registry: Registry, path: Path, sha256: str, part: Part) -> InPlace:
    """Return the declared place of a safetensors file whose tensors are the layers as they are read.

    Raises:
        UsageError: the file is of another format or type, so that it would have to be converted, or it lies
            in no declared place.
    """
    if path.suffix.lower() != ".safetensors":
        raise UsageError(
            f"{path} cannot stay in place: only safetensors files are read as they are",
            hint="leave --in-place out: its layers are copied into the store",
        )
    types = stored_types(path)
    other = next((name for name in part.layers if types.get(name) != "F32"), None)
    if other is not None:
        raise UsageError(
            f"{path} cannot stay in place: '{other}' is {types.get(other, 'a part of a tensor')}, not F32",
            hint="leave --in-place out: its layers are converted into the store",
        )
    real = path.resolve()
    inside = {
        name: folder.resolve()
        for name, folder in registry.store.places.items()
        if folder.resolve() in real.parents
    }
    if not inside:
        declared = ", ".join(f"{name} = {folder}" for name, folder in registry.store.places.items()) or "none"
        raise UsageError(
            f"{real} lies in no declared place ({declared})",
            hint=f'add to cavewall.toml:  [locations]  data = "{real.parent}"',
        )
    name = max(inside, key=lambda each: len(inside[each].parts))
    uri = str(real.relative_to(inside[name]))
    return InPlace(name, StoredFile(uri, sha256, real.stat().st_size))
