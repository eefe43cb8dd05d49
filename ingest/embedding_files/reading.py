"""Read a file of embeddings, whatever its format."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ingest.embedding_files.matlab_files import read_matlab
from ingest.embedding_files.numpy_files import read_npy, read_npz
from ingest.embedding_files.parquet_files import read_parquet
from ingest.embedding_files.parts import Part, ReadOptions
from ingest.embedding_files.platonic_files import read_platonic
from ingest.embedding_files.safetensors_files import read_safetensors
from registry.errors import InputError, UsageError

READERS: dict[str, Callable[[Path, ReadOptions], list[Part]]] = {
    "safetensors": read_safetensors,
    "npy": read_npy,
    "npz": read_npz,
    "parquet": read_parquet,
    "mat": read_matlab,
    "platonic-rep": read_platonic,
}
_SUFFIXES = {
    ".safetensors": "safetensors", ".npy": "npy", ".npz": "npz", ".parquet": "parquet", ".mat": "mat",
    ".pt": "platonic-rep",
}  # fmt: skip
LONGEST_ID = 10_000


def format_of(path: Path, given: str | None) -> str:
    """Return the format of a file: the one that was given, or what its suffix says.

    Raises:
        UsageError: there is no such format, or no suffix that tells it.
    """
    found = given or _SUFFIXES.get(path.suffix.lower())
    if found not in READERS:
        raise UsageError(
            f"{path}: {f'no format {given!r}' if given else 'its suffix tells no format'}",
            hint=f"say which: --format {' | '.join(READERS)}",
        )
    return found


def read_parts(path: Path, file_format: str, options: ReadOptions) -> list[Part]:
    """Return the parts of a file; nothing of it is run, and nothing is read that is larger than it can be.

    Raises:
        InputError: the file is missing, broken, or does not hold what its format asks for.
        UsageError: there is no such format.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file", hint="check the path")
    try:
        parts = READERS[format_of(path, file_format)](path, options)
    except InputError as error:  # names in a file may hold anything; a sentence is one line
        raise type(error)(_printable(error.message), hint=error.hint) from error
    except OSError as error:
        raise InputError(
            f"{path} cannot be read: {error.strerror or error}", hint="check the path and its permissions"
        ) from error
    strange = next(
        (name for part in parts for name in (part.name, *part.layers) if not name.isprintable()), None
    )
    if strange is not None:
        raise InputError(
            f"{path}: the name {_printable(strange)[:80]!r} has letters that cannot be printed",
            hint="give arrays plain names",
        )
    return parts


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def read_ids(path: Path) -> list[str]:
    """Return the ids of a text file, one a line.

    Raises:
        InputError: the file is missing or is no text.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"{path} is no list of ids: {error}", hint="write one id a line, in UTF-8"
        ) from error
    ids = text.splitlines()
    if any(len(each) > LONGEST_ID for each in ids):
        raise InputError(f"{path}: an id has more than {LONGEST_ID:,} letters", hint="write one id a line")
    return ids
