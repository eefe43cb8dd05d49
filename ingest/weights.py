"""Weight files: read without running what is in them, and refused in one sentence when they are broken."""

from __future__ import annotations

import json
import math
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from registry.errors import InputError

if TYPE_CHECKING:
    import torch

Shapes = Mapping[str, tuple[int, ...]]

LARGEST_HEADER = 100_000_000  # bytes; the format's own bound
_TORCH_MAGICS = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
_TORCH_ERRORS = (
    pickle.UnpicklingError,
    RuntimeError,
    EOFError,
    ValueError,
    KeyError,
    TypeError,
    AttributeError,
)
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PARALLEL_PREFIX = "module."


def require_file(path: Path) -> Path:
    """Return the path of a file that exists.

    Raises:
        InputError: there is none.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the path")
    return path


def is_torch_file(path: Path) -> bool:
    """Return whether a file begins like what torch.save writes."""
    with path.open("rb") as file:
        return file.read(4).startswith(_TORCH_MAGICS)


def safetensors_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a safetensors file, from its header alone.

    Raises:
        InputError: the file is no safetensors file, or its size is not what its header describes.
    """
    header, data_start = _header(path)
    shapes: dict[str, tuple[int, ...]] = {}
    end = 0
    try:
        for name, entry in header.items():
            if name == "__metadata__":
                continue
            shapes[name] = tuple(int(size) for size in entry["shape"])
            end = max(end, int(entry["data_offsets"][1]))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise _not_safetensors(path, "its header describes a tensor without shape or place") from error
    expected, found = data_start + end, path.stat().st_size
    if found != expected:
        word = "truncated" if found < expected else "longer than its header says"
        raise InputError(
            f"{path} is {word}: expected {expected} bytes, found {found}",
            hint="copy or download the file again",
        )
    if not shapes:
        raise InputError(f"{path} holds no tensor", hint="check that it is the file of the weights")
    return shapes


def _header(path: Path) -> tuple[dict[str, Any], int]:
    size = path.stat().st_size
    with path.open("rb") as file:
        prefix = file.read(8)
        length = int.from_bytes(prefix, "little")
        if len(prefix) < 8 or length < 2 or length > LARGEST_HEADER:
            raise _not_safetensors(path, f"its first 8 bytes give no header length ({size} bytes in all)")
        text = file.read(length)
    if not text.startswith(b"{"):
        raise _not_safetensors(path, "it has no header")
    if len(text) < length:
        raise InputError(
            f"{path} is truncated: expected a header of {length} bytes, found {len(text)}",
            hint="copy or download the file again",
        )
    try:
        header = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _not_safetensors(path, "its header is not JSON") from error
    if not isinstance(header, dict):
        raise _not_safetensors(path, "its header is not a JSON object")
    return header, 8 + length


def _not_safetensors(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path} is not a safetensors file: {reason}",
        hint="give a file that safetensors or torch.save wrote",
    )


def weight_shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a weight file, safetensors or torch.

    Raises:
        InputError: the file is missing, broken, or neither.
    """
    require_file(path)
    if path.suffix != ".safetensors" and is_torch_file(path):
        return {name: tuple(tensor.shape) for name, tensor in load_weights(path).items()}
    return safetensors_shapes(path)


def load_weights(path: Path) -> dict[str, torch.Tensor]:
    """Return the tensors of a weight file, on the CPU, by name.

    A torch file is read with `weights_only=True`; one level of wrapping (`state_dict`, `model`) and the
    prefix `module.` that data parallel training leaves are taken off.

    Raises:
        InputError: the file is missing or broken, or loading it would run code.
    """
    require_file(path)
    if path.suffix != ".safetensors" and is_torch_file(path):
        return _plain_tensors(path, _load_torch(path))
    safetensors_shapes(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        raise _not_safetensors(path, str(error)) from error


def _load_torch(path: Path) -> object:
    from ingest.models_extra import require_models

    require_models(f"reading {path.name}")
    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} cannot be loaded without running code from it, or is damaged",
            hint="save the plain state dict again, best as safetensors",
        ) from error
    except (OSError, *_TORCH_ERRORS) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path} is truncated or damaged: {reason}", hint="copy or download the file again"
        ) from error


def _plain_tensors(path: Path, loaded: object) -> dict[str, torch.Tensor]:
    import torch

    state = loaded
    for wrapper in _WRAPPERS:
        if isinstance(state, Mapping) and isinstance(state.get(wrapper), Mapping):
            state = state[wrapper]
            break
    if (
        not isinstance(state, Mapping)
        or not state
        or not all(isinstance(t, torch.Tensor) for t in state.values())
    ):
        raise InputError(
            f"{path} holds no state dict: expected tensors by name",
            hint="save model.state_dict(), best as safetensors",
        )
    names = [str(name) for name in state]
    if all(name.startswith(_PARALLEL_PREFIX) for name in names):
        names = [name.removeprefix(_PARALLEL_PREFIX) for name in names]
    return dict(zip(names, state.values(), strict=True))


def element_count(shapes: Shapes) -> int:
    """Return how many numbers the tensors of these shapes hold."""
    return sum(math.prod(shape) for shape in shapes.values())


def misfit(expected: Shapes, found: Shapes) -> str | None:
    """Return the first way in which weights do not fit an architecture, as a clause, or None if they fit.

    Args:
        expected: the shapes that the architecture asks for.
        found: the shapes that the file holds.
    """
    common = sorted(set(expected) & set(found))
    wrong = [name for name in common if tuple(expected[name]) != tuple(found[name])]
    return misfit_clause(
        missing=sorted(set(expected) - set(found)),
        unexpected=sorted(set(found) - set(expected)),
        wrong=[(name, tuple(found[name]), tuple(expected[name])) for name in wrong],
    )


def misfit_clause(
    *,
    missing: Sequence[str],
    unexpected: Sequence[str],
    wrong: Sequence[tuple[str, tuple[int, ...], tuple[int, ...]]],
) -> str | None:
    """Return a clause that names the first tensor of each kind, or None if there is none.

    Args:
        missing: what the architecture asks for and the file lacks.
        unexpected: what the file holds and the architecture does not know.
        wrong: name, shape found and shape expected of what has another shape.
    """
    clauses = []
    if missing:
        clauses.append(f"'{missing[0]}' is missing{_more(missing)}")
    if unexpected:
        clauses.append(f"'{unexpected[0]}' is not expected{_more(unexpected)}")
    if wrong:
        name, found, expected = wrong[0]
        clauses.append(f"'{name}' has shape {list(found)}, expected {list(expected)}{_more(wrong)}")
    return "; ".join(clauses) or None


def _more(names: Sequence[object]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def require_fit(path: Path, like: str, expected: Shapes, found: Shapes) -> None:
    """Refuse weights that do not fit the architecture they are said to have.

    Raises:
        InputError: a tensor is missing, unexpected or of another shape.
    """
    clause = misfit(expected, found)
    if clause is not None:
        raise does_not_fit(path, like, clause)


def does_not_fit(path: Path, like: str, clause: str) -> InputError:
    """Return the error that says how weights do not fit."""
    return InputError(
        f"{path} does not fit {like}: {clause}",
        hint="give the weights of that architecture, or name theirs with --like",
    )
