"""The one grammar in which a user names a model outside the registry."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePath

from registry.errors import UsageError

GRAMMAR = (
    "write timm:NAME, hf:ID@REVISION, path:FILE-or-FOLDER, baseline:pixels[:SIZE], baseline:tf-idf "
    "or baseline:untrained (with --like REFERENCE --seed N)"
)
PIXELS_SIZE = 32
LARGEST_PIXELS_SIZE = 512
_TIMM_NAME = re.compile(r"[A-Za-z0-9_.\-]+")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]*(/[A-Za-z0-9][A-Za-z0-9_.\-]*)?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_STEP_STEM = re.compile(r"(?:.*[_\-.])?step[_\-]?0*(\d+)")
_FORBIDDEN_IN_NAMES = re.compile(r"[^A-Za-z0-9._+\-]+")
_GENERIC_STEMS = frozenset({"model", "pytorch_model", "checkpoint", "weights", "last", "best"})


@dataclass(frozen=True)
class TimmReference:
    """`timm:NAME`: pretrained weights that timm knows."""

    text: str
    name: str


@dataclass(frozen=True)
class HubReference:
    """`hf:ID@REVISION`: a model repository at a branch, a tag or a commit (`main` where none was given)."""

    text: str
    repository: str
    revision: str

    @property
    def is_commit(self) -> bool:
        """Return whether the revision is a full commit hash, which never moves."""
        return _COMMIT.fullmatch(self.revision) is not None


@dataclass(frozen=True)
class PathReference:
    """`path:FILE-or-FOLDER`: weights on this machine."""

    text: str
    path: str


@dataclass(frozen=True)
class BaselineReference:
    """`baseline:KIND`: what a trained network must be compared with; pixels are resized to `size`."""

    text: str
    kind: str
    size: int | None = None


Reference = TimmReference | HubReference | PathReference | BaselineReference


def parse_reference(text: str) -> Reference:
    """Return what a reference says.

    Raises:
        UsageError: it is none of the known forms; the hint is the grammar.
    """
    scheme, separator, rest = text.strip().partition(":")
    if separator and rest:
        parser = {"timm": _timm, "hf": _hub, "path": _path, "baseline": _baseline}.get(scheme)
        reference = parser(text.strip(), rest) if parser else None
        if reference is not None:
            return reference
    raise UsageError(f"'{text}' is not a reference to a model", hint=GRAMMAR)


def _timm(text: str, rest: str) -> Reference | None:
    return TimmReference(text, rest) if _TIMM_NAME.fullmatch(rest) else None


def _hub(text: str, rest: str) -> Reference | None:
    repository, separator, revision = rest.partition("@")
    if not _HUB_ID.fullmatch(repository) or (separator and not revision) or re.search(r"\s|\.\.", revision):
        return None
    return HubReference(text, repository, revision or "main")


def _path(text: str, rest: str) -> Reference | None:
    return None if "\0" in rest else PathReference(text, rest)


def _baseline(text: str, rest: str) -> Reference | None:
    kind, separator, size = rest.partition(":")
    if kind == "pixels" and not separator:
        return BaselineReference(text, kind, PIXELS_SIZE)
    if kind == "pixels" and size.isascii() and size.isdigit() and 1 <= int(size) <= LARGEST_PIXELS_SIZE:
        return BaselineReference(text, kind, int(size))
    if kind in ("tf-idf", "untrained") and not separator:
        return BaselineReference(text, kind)
    return None


def default_name(
    reference: Reference,
    *,
    prefix: str | None = None,
    step: int | None = None,
    like_name: str | None = None,
    seed: int | None = None,
) -> str:
    """Return what a checkpoint is called when the user says nothing.

    Args:
        reference: what is registered.
        prefix: the series or the family, if there is one.
        step: the training step, if it was given.
        like_name: what an untrained twin's twin is called.
        seed: its seed.
    """
    if prefix is not None and step is not None:
        return safe_name(f"{prefix}-step{step}")
    if isinstance(reference, TimmReference):
        return safe_name(reference.name)
    if isinstance(reference, HubReference):
        base = reference.repository.rpartition("/")[2]
        revision = reference.revision[:8] if reference.is_commit else reference.revision
        return safe_name(base if revision == "main" else f"{base}-{revision}")
    if isinstance(reference, PathReference):
        return _name_of_path(PurePath(reference.path), prefix, step)
    if reference.kind == "untrained":
        return safe_name(f"{like_name or 'unknown'}-untrained-seed{seed or 0}")
    return reference.kind if reference.size in (None, PIXELS_SIZE) else f"{reference.kind}-{reference.size}"


def _name_of_path(path: PurePath, prefix: str | None, step: int | None) -> str:
    stem = path.stem if path.suffix in (".safetensors", ".pt", ".pth", ".bin", ".ckpt") else path.name
    numbered = _STEP_STEM.fullmatch(stem)
    if step is not None or numbered is not None:
        number = step if step is not None else int(numbered.group(1) if numbered else 0)
        return safe_name(f"{prefix or path.parent.name or 'run'}-step{number}")
    if stem in _GENERIC_STEMS and path.parent.name:
        stem = path.parent.name
    return safe_name(f"{prefix}-{stem}" if prefix else stem)


def safe_name(text: str) -> str:
    """Return a text with everything replaced that a name may not hold."""
    return _FORBIDDEN_IN_NAMES.sub("-", text).strip("-.") or "checkpoint"


def check_name(name: str, *, what: str = "name") -> str:
    """Return a name that a user chose, if it can be told from references, globs and steps.

    Raises:
        UsageError: it has other characters than letters, digits and `. _ + -`, or begins with one of these.
    """
    if _FORBIDDEN_IN_NAMES.search(name) or not name[:1].isalnum():
        raise UsageError(
            f"'{name}' cannot be a {what}",
            hint="use letters, digits and . _ + - only, beginning with a letter or a digit",
        )
    return name
