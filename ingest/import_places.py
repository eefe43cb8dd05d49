"""Files that stay where they are: in a declared place, and holding exactly what is registered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ingest.embedding_files import ReadOptions, read_parts
from ingest.embedding_files.parts import Part
from ingest.embedding_files.safetensors_files import stored_types
from ingest.recording import InPlace
from registry.errors import InputError, UsageError
from registry.handle import Registry
from registry.keys import sha256_of_file
from registry.remote_places import RemotePlace, address_fault
from registry.store import StoredFile


@dataclass(frozen=True)
class GivenFile:
    """A file to import.

    Attributes:
        path: what it is called: where it lies, or the place and the address in it.
        local: where it is read: there, or a local copy.
        sha256: its digest.
        behind: where it is, if that is behind an address.
    """

    path: Path
    local: Path
    sha256: str
    behind: InPlace | None = None

    def parts(self, file_format: str, options: ReadOptions) -> list[Part]:
        """Return the file's parts, called by the file's name and not by its copy's.

        Raises:
            InputError: the file is missing, broken, or does not hold what its format asks for.
        """
        try:
            parts = read_parts(self.local, file_format, options)
        except InputError as error:
            message = error.message.replace(str(self.local), str(self.path))
            raise type(error)(message, hint=error.hint) from error
        if self.behind is None:
            return parts
        return [
            replace(part, name=self.path.stem) if part.name == self.local.stem else part for part in parts
        ]


def given_file(registry: Registry, given: Path | str, *, in_place: bool) -> GivenFile:
    """Return a file that was named by its path, or by its address in a declared place; that is copied here.

    Raises:
        InputError: it cannot be read.
        UsageError: the address lies in no declared place, or the file would not stay there.
        StoreError: there is no such file, or its place does not answer.
        MissingExtra: the package that reads the address is not installed.
    """
    if isinstance(given, Path):
        try:
            return GivenFile(given, given, sha256_of_file(given))
        except OSError as error:
            raise InputError(
                f"{given} cannot be read: {error.strerror or error}", hint="check the path"
            ) from error
    location, place, uri = _declared_address(registry, given)
    if not in_place or not uri.lower().endswith(".safetensors"):
        raise UsageError(
            f"{given} can only stay where it is, as a safetensors file",
            hint="add --in-place, or download it and import the file",
        )
    local, digest = registry.store.cache.fetch(place, uri)
    stored = StoredFile(uri, digest, local.stat().st_size)
    return GivenFile(Path(location) / uri, local, digest, InPlace(location, stored))


def refuse_address(given: Path | str) -> None:
    """Refuse an address that is chained, holds what may be a secret, or is otherwise not plain.

    Raises:
        UsageError: it is; what may be a secret is not repeated.
    """
    fault = address_fault(given) if isinstance(given, str) else None
    if fault is not None:
        raise UsageError(
            f"a file's address {fault}",
            hint="give a plain address, like s3://BUCKET/FOLDER/FILE; credentials come from the environment",
        )


def _declared_address(registry: Registry, given: str) -> tuple[str, RemotePlace, str]:
    """Return the innermost declared place of an address: its name, itself, and the rest of the address."""
    inside = [
        (name, place)
        for name, place in registry.store.places.items()
        if isinstance(place, RemotePlace) and given.startswith(f"{place.url}/")
    ]
    if not inside:
        raise UsageError(
            f"{given} lies in no declared place ({_declared(registry)})",
            hint=f'add to cavewall.toml:  [locations]  data = "{given.rpartition("/")[0]}"',
        )
    name, place = max(inside, key=lambda each: len(each[1].url))
    return name, place, given.removeprefix(f"{place.url}/")


def _declared(registry: Registry) -> str:
    return ", ".join(f"{name} = {place}" for name, place in registry.store.places.items()) or "none"


def place_of_file(registry: Registry, given: GivenFile, part: Part) -> InPlace:
    """Return the declared place of a safetensors file whose tensors are the layers as they are read.

    Raises:
        UsageError: the file is of another format or type, so that it would have to be converted, or it lies
            in no declared place.
    """
    path = given.path
    if path.suffix.lower() != ".safetensors":
        raise UsageError(
            f"{path} cannot stay in place: only safetensors files are read as they are",
            hint="leave --in-place out: its layers are copied into the store",
        )
    types = stored_types(given.local)
    other = next((name for name in part.layers if types.get(name) != "F32"), None)
    if other is not None:
        raise UsageError(
            f"{path} cannot stay in place: '{other}' is {types.get(other, 'a part of a tensor')}, not F32",
            hint="leave --in-place out: its layers are converted into the store",
        )
    if given.behind is not None:
        return given.behind
    real = path.resolve()
    inside = {
        name: folder.resolve()
        for name, folder in registry.store.places.items()
        if isinstance(folder, Path) and folder.resolve() in real.parents
    }
    if not inside:
        raise UsageError(
            f"{real} lies in no declared place ({_declared(registry)})",
            hint=f'add to cavewall.toml:  [locations]  data = "{real.parent}"',
        )
    name = max(inside, key=lambda each: len(inside[each].parts))
    uri = str(real.relative_to(inside[name]))
    return InPlace(name, StoredFile(uri, given.sha256, real.stat().st_size))
