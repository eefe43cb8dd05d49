"""What a weight file is, before anybody says which network it belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ingest.trust import Trust
from ingest.weights import Shapes, name_warning, require_file, shapes_and_wrapping
from registry.keys import sha256_of_file


@dataclass(frozen=True)
class FileFacts:
    """A weight file's digest, the shapes of its tensors, and what a reader of its row would ask."""

    sha256: str
    shapes: Shapes
    unwrapped: tuple[str, ...]
    warning: str

    @property
    def attributes(self) -> Mapping[str, Any]:
        """Return what the row keeps: what was taken off the file's contents to get at the tensors."""
        return {"unwrapped": list(self.unwrapped)} if self.unwrapped else {}

    def noted(self, note: str) -> str:
        """Return a note with what was unwrapped and what is odd."""
        unwrapped = f"unwrapped {', '.join(self.unwrapped)}" if self.unwrapped else ""
        return "; ".join(filter(None, (note, unwrapped, self.warning)))


def describe_file(path: Path, trust: Trust) -> FileFacts:
    """Return what a weight file is.

    Raises:
        InputError: it is missing or broken, or needs to run code that `trust` does not allow.
    """
    digest = sha256_of_file(require_file(path))
    shapes, unwrapped = shapes_and_wrapping(path, trust)
    return FileFacts(digest, shapes, unwrapped, name_warning(path, digest))
