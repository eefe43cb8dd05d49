"""Files that torch.save wrote: read without running what is in them, unless somebody trusts them."""

from __future__ import annotations

import hashlib
import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.trust import Trust
from registry.errors import InputError

if TYPE_CHECKING:
    import torch

_ZIP_MAGIC = b"PK\x03\x04"
_MAGICS = (_ZIP_MAGIC, b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PARALLEL_PREFIX = "module."
_NEEDS = (
    re.compile(r"GLOBAL (\S+) was not an allowed global"),
    re.compile(r"Trying to load unsupported GLOBAL (\S+)"),
    re.compile(r"Trying to instantiate class (\S+)"),
    re.compile(r"Can only build Tensor, .*, got (?:<class ')?([\w.]+)"),
)
_TORCH_SCRIPT = "TorchScript"
_ANY_OBJECT = "more than tensors"
_BROKEN = (
    OSError, RuntimeError, EOFError, ValueError, KeyError, TypeError, AttributeError, IndexError, MemoryError,
    OverflowError, AssertionError, ImportError, ArithmeticError, struct.error, pickle.PickleError,
    zipfile.BadZipFile, NotImplementedError,
)  # fmt: skip
_RESAVE = "save the plain state dict again, best as safetensors"
_AGAIN = "copy or download the file again"


@dataclass(frozen=True)
class TorchWeights:
    """The tensors of a file by name, and what was taken off to get at them (`state_dict`, `module.` …)."""

    tensors: dict[str, torch.Tensor]
    unwrapped: tuple[str, ...]


def looks_like_torch(head: bytes) -> bool:
    """Return whether a file with these first bytes begins like what torch.save writes."""
    return head.startswith(_MAGICS)


def read_torch(path: Path, trust: Trust) -> TorchWeights:
    """Return the tensors of a torch file, on the CPU.

    The file is read with `weights_only=True`. One that needs more is read as a full pickle, which runs
    whatever is in it, only where `trust` allows its digest; that is noted in `trust.used` beforehand.

    Raises:
        InputError: it is damaged, holds no state dict, or needs more than it may.
    """
    with path.open("rb") as file:
        if file.read(4) == _ZIP_MAGIC:
            _require_plain_archive(path, file)
        file.seek(0)
        loaded = _load(path, file, trust)
    return _unwrap(path, loaded)


def _require_plain_archive(path: Path, file: BufferedReader) -> None:
    """Refuse an archive that would unfold: torch.save stores its members as they are."""
    size = path.stat().st_size
    try:
        members = zipfile.ZipFile(file).infolist()
    except _BROKEN as error:
        raise InputError(f"{path} is truncated or damaged: {first_line(error)}", hint=_AGAIN) from error
    inside = sum(member.file_size for member in members)
    if inside > size:
        raise InputError(
            f"{path} is a compressed archive: its {size:,} bytes unfold to {inside:,}, "
            "which no file of torch.save does",
            hint="unpack it if it is a zip of a weight file, else save the weights again",
        )
    if not any(member.filename.rpartition("/")[2] == "data.pkl" for member in members):
        raise InputError(
            f"{path} is a zip archive, but not one that torch.save wrote",
            hint="give a file that safetensors or torch.save wrote",
        )


def _load(path: Path, file: BufferedReader, trust: Trust) -> object:
    from ingest.models_extra import require_models

    require_models(f"reading {path.name}")
    import torch

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old pickle protocols: what cannot be read is said below
            return torch.load(file, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        needed, cause = _needed(str(error)), error
    except _BROKEN as error:
        if _TORCH_SCRIPT not in str(error):
            raise InputError(f"{path} is truncated or damaged: {first_line(error)}", hint=_AGAIN) from error
        needed, cause = "a TorchScript program", error  # type: ignore[assignment]
    file.seek(0)
    digest = hashlib.file_digest(file, "sha256").hexdigest()  # of what is open: the name may move meanwhile
    if not trust.allows_pickle(digest):
        raise _refusal(path, needed, digest) from cause
    trust.used.append(digest)
    return _load_trusted(path, file)


def _needed(message: str) -> str | None:
    """Return what kind of object a pickle asks for, from torch's sentence, or None where it names none."""
    for pattern in _NEEDS:
        found = pattern.search(message)
        if found:
            return shown(found.group(1))
    return _ANY_OBJECT if "is blocked" in message else None


def _refusal(path: Path, needed: str | None, digest: str) -> InputError:
    hint = (
        f"{_RESAVE}; if you trust its source: --trust-pickle, "
        f'or in cavewall.toml on this machine: [trust] pickles = ["{digest}"]'
    )
    if needed is None:
        return InputError(f"{path} cannot be loaded without running code from it, or is damaged", hint=hint)
    return InputError(
        f"{path} cannot be loaded without running code from it: expected tensors, found {needed}", hint=hint
    )


def _load_trusted(path: Path, file: BufferedReader) -> object:
    import torch

    file.seek(0)
    try:
        return torch.load(file, map_location="cpu", weights_only=False)
    except _BROKEN as error:
        raise InputError(
            f"{path} cannot be loaded even as a full pickle: {type(error).__name__}: {first_line(error)}",
            hint="what it needs must be installed here; or save the plain state dict where it is",
        ) from error


def _unwrap(path: Path, loaded: object) -> TorchWeights:
    import torch

    state: Any = loaded
    unwrapped = []
    for wrapper in _WRAPPERS:
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping | torch.nn.Module):
            state = state[wrapper]
            unwrapped.append(wrapper)
            break
    if isinstance(state, torch.nn.Module):
        unwrapped.append(type(state).__name__)
        state = state.state_dict()
    if not isinstance(state, Mapping) or not state or not all(map(_is_plain, state.values())):
        raise InputError(
            f"{path} holds no state dict: expected tensors by name",
            hint="save model.state_dict(), best as safetensors",
        )
    names = [str(name) for name in state]
    if all(name.startswith(_PARALLEL_PREFIX) for name in names):
        names = [name.removeprefix(_PARALLEL_PREFIX) for name in names]
        unwrapped.append(_PARALLEL_PREFIX)
    return TorchWeights(dict(zip(names, state.values(), strict=True)), tuple(unwrapped))


def _is_plain(value: object) -> bool:
    """Return whether a value is a tensor whose numbers are all there.

    One on `meta` would leave a network untrained; one of stride 0 may claim any size.
    """
    import torch

    if not isinstance(value, torch.Tensor) or value.layout != torch.strided or value.is_meta:
        return False
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()


def first_line(error: BaseException) -> str:
    """Return what an error says, in one short line of printable characters."""
    return shown((str(error).strip().splitlines() or [type(error).__name__])[0])


def shown(text: str, *, longest: int = 160) -> str:
    """Return a text out of a file such that it stays one short line."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in text[: longest + 1])
    return plain if len(plain) <= longest else f"{plain[:longest]}…"
