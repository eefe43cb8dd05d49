"""Weight files: read without running what is in them, and refused in one sentence when they are broken."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.torch_files import first_line, looks_like_torch, read_torch, shown
from ingest.trust import NO_TRUST, Trust
from registry.errors import InputError

if TYPE_CHECKING:
    import torch

Shapes = Mapping[str, tuple[int, ...]]

LARGEST_HEADER = 100_000_000  # bytes; the format's own bound
_DIGEST_IN_NAME = re.compile(r"-([0-9a-f]{8,64})\.[a-z]+$")
SAFETENSORS = ".safetensors"
_BITS = {
    "F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "BOOL": 8, "U8": 8, "I8": 8, "F8_E5M2": 8, "F8_E4M3": 8,
    "F8_E8M0": 8, "F8_E4M3FNUZ": 8, "F8_E5M2FNUZ": 8, "I16": 16, "U16": 16, "F16": 16, "BF16": 16, "I32": 32,
    "U32": 32, "F32": 32, "C64": 64, "F64": 64, "I64": 64, "U64": 64,
}  # fmt: skip


def require_file(path: Path) -> Path:
    """Return the path of a file that exists and holds something.

    Raises:
        InputError: there is none, it is a folder, or it is empty.
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder, expected a file", hint="give the file of the weights in it")
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the path")
    if path.stat().st_size == 0:
        raise InputError(f"{path} is empty", hint="copy or download the file again")
    return path


def is_torch_file(path: Path) -> bool:
    """Return whether a file begins like what torch.save writes, whatever it is called.

    A safetensors header of 640 bytes begins like a pickle too; the brace behind its length tells them apart.

    Raises:
        InputError: it does, and is called safetensors.
    """
    with path.open("rb") as file:
        head = file.read(9)
    is_header = head[8:] == b"{" and int.from_bytes(head[:8], "little") <= LARGEST_HEADER
    if is_header or not looks_like_torch(head):
        return False
    if path.suffix == SAFETENSORS:
        raise InputError(
            f"{path} is called safetensors, but is a file of torch.save, a zip archive or a pickle",
            hint="rename it to .pt if that is what you have, or save it as safetensors",
        )
    return True


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
            shapes[name], stop = _described(entry)
            end = max(end, stop)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        reason = f"its header describes no tensor under '{shown(name)}'"
        raise _not_safetensors(path, reason) from error
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


def _described(entry: Any) -> tuple[tuple[int, ...], int]:
    """Return a tensor's shape and where its numbers end, if its place is as large as its shape says."""
    shape, (start, stop) = entry["shape"], entry["data_offsets"]
    if any(type(number) is not int or number < 0 for number in (*shape, start, stop)):
        raise ValueError("sizes and places are counts")
    if math.prod(shape) * _BITS[entry["dtype"]] != 8 * (stop - start):
        raise ValueError("the place has another size than the tensor")
    return tuple(shape), stop


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


def weight_shapes(path: Path, trust: Trust = NO_TRUST) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a weight file, safetensors or torch.

    Raises:
        InputError: the file is missing, broken, or neither.
    """
    return shapes_and_wrapping(path, trust)[0]


def shapes_and_wrapping(
    path: Path, trust: Trust = NO_TRUST
) -> tuple[dict[str, tuple[int, ...]], tuple[str, ...]]:
    """Return the shapes, and what was taken off to get at the tensors (`state_dict`, `module.` …).

    Raises:
        InputError: as `weight_shapes`.
    """
    require_file(path)
    if not is_torch_file(path):
        return safetensors_shapes(path), ()
    found = read_torch(path, trust)
    return {name: tuple(tensor.shape) for name, tensor in found.tensors.items()}, found.unwrapped


def load_weights(path: Path, trust: Trust = NO_TRUST) -> dict[str, torch.Tensor]:
    """Return the tensors of a weight file, on the CPU, by name.

    Args:
        path: safetensors, or a torch file, which is read with `weights_only=True` and unwrapped
            (`torch_files.py`).
        trust: whether a torch file that needs more may run code.

    Raises:
        InputError: the file is missing or broken, or loading it would run code.
    """
    require_file(path)
    if is_torch_file(path):
        return read_torch(path, trust).tensors
    safetensors_shapes(path)
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError, RuntimeError, ValueError, KeyError, MemoryError) as error:
        raise _not_safetensors(path, first_line(error)) from error


def name_warning(path: Path, sha256: str) -> str:
    """Return what is odd about a file named after another digest (`name-12fca82f.pth`), or ''.

    Torch hub names files so; digits alone may as well be a date, and letters a commit: hence no refusal.
    """
    found = _DIGEST_IN_NAME.search(path.name)
    if found is None or sha256.startswith(found.group(1)) or found.group(1).isdigit():
        return ""
    return f"warning: its name says sha256 {found.group(1)}…, found {sha256[:8]}…; compare with its source"


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
        clauses.append(f"'{shown(missing[0])}' is missing{_more(missing)}")
    if unexpected:
        clauses.append(f"'{shown(unexpected[0])}' is not expected{_more(unexpected)}")
    if wrong:
        name, found, expected = wrong[0]
        clauses.append(f"'{shown(name)}' has shape {list(found)}, expected {list(expected)}{_more(wrong)}")
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
        hint="give the weights of that architecture, or name theirs with --like or --architecture",
    )
