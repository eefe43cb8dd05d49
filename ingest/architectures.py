"""The network that a checkpoint's weights belong to, and where these weights lie."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ingest.hub import CONFIGURATION, WITHOUT_WEIGHTS, find_snapshot, require_snapshot
from ingest.model_folders import TORCH_PATTERNS, configuration_digest, folder_digest, read_config
from ingest.references import (
    BaselineReference,
    HubReference,
    PathReference,
    Reference,
    TimmReference,
    parse_reference,
)
from ingest.trust import NO_TRUST, Trust, untrusted_hint, untrusted_reason
from registry.errors import InputError, UsageError
from registry.keys import sha256_of_file
from registry.tables import Checkpoint


@dataclass(frozen=True)
class TimmArchitecture:
    """A network that timm builds, by its full name with the tag of its configuration."""

    name: str

    @property
    def text(self) -> str:
        """Return it as a reference."""
        return f"timm:{self.name}"


@dataclass(frozen=True)
class FolderArchitecture:
    """A network that transformers builds from a folder's config.json, with the folder's tokenizer."""

    folder: Path
    text: str


Architecture = TimmArchitecture | FolderArchitecture


@dataclass(frozen=True)
class FileWeights:
    """Weights of one file, which must fit the architecture; `trust` says whether it may run code."""

    path: Path
    trust: Trust = NO_TRUST


@dataclass(frozen=True)
class EntryPointWeights:
    """Weights of one file, and the user's `module:function` that builds their network where it is trusted."""

    entry_point: str
    path: Path
    trust: Trust


@dataclass(frozen=True)
class OwnWeights:
    """The pretrained weights in a folder: a model folder, or the local copy of a hub repository."""

    folder: Path
    trust: Trust = NO_TRUST


@dataclass(frozen=True)
class RandomWeights:
    """No training: the library's own initialisation under a seed."""

    seed: int


Weights = FileWeights | OwnWeights | RandomWeights


@dataclass(frozen=True)
class Blueprint:
    """How to build a checkpoint's network."""

    architecture: Architecture
    weights: Weights


def architecture_like(reference: Reference) -> Architecture:
    """Return the architecture that a `--like` names, for good: a hub reference becomes its commit.

    Raises:
        InputError: it cannot be read here.
        UsageError: it names no architecture.
    """
    if isinstance(reference, TimmReference):
        from ingest.sources.timm_catalogue import find_entry

        return TimmArchitecture(find_entry(reference.name).name)
    if isinstance(reference, HubReference):
        folder = find_snapshot(reference.repository, reference.revision, CONFIGURATION)
        if folder is None:
            raise InputError(
                f"--like {reference.text}: not in the local cache, and the hub cannot be asked",
                hint="run the command once with access to the hub, or use a local folder: --like path:FOLDER",
            )
        read_config(folder)
        return FolderArchitecture(folder, f"hf:{reference.repository}@{folder.name}")
    if isinstance(reference, PathReference):
        folder = Path(reference.path).expanduser().resolve()
        read_config(folder)
        return FolderArchitecture(folder, f"path:{folder}")
    raise UsageError(
        f"--like {reference.text} names no architecture",
        hint="name timm:NAME, hf:ID@REVISION, path:FOLDER or a registered checkpoint",
    )


def architecture_identity(architecture: Architecture) -> str:
    """Return the text that an untrained twin of this architecture is identified by."""
    if isinstance(architecture, FolderArchitecture) and architecture.text.startswith("path:"):
        return f"sha256:{configuration_digest(architecture.folder)}"
    return architecture.text


def _stored_architecture(text: str) -> Architecture:
    """Return the architecture of a row's `like`, with the files that building it needs."""
    reference = parse_reference(text)
    if isinstance(reference, TimmReference):
        return TimmArchitecture(reference.name)
    if isinstance(reference, HubReference):
        return FolderArchitecture(
            require_snapshot(reference.repository, reference.revision, WITHOUT_WEIGHTS), text
        )
    if isinstance(reference, PathReference):
        return FolderArchitecture(Path(reference.path), text)
    raise UsageError(
        f"'{text}' names no architecture", hint="register the checkpoint again with another --like"
    )


def own_network_of(checkpoint: Checkpoint, name: str, trust: Trust) -> EntryPointWeights:
    """Return the entry point and the file of a checkpoint with a network of the user's own.

    Raises:
        UsageError: this command may not run the entry point; that a row names it allows nothing.
        InputError: the file is missing, or is not what it was when it was registered.
    """
    entry_point = str(checkpoint.entry_point)
    if entry_point not in trust.entry_points:
        raise UsageError(f"{name}: {untrusted_reason(entry_point)}", hint=untrusted_hint(entry_point))
    return EntryPointWeights(entry_point, _unchanged_place(checkpoint, name), trust)


def blueprint_of(checkpoint: Checkpoint, name: str, trust: Trust = NO_TRUST) -> Blueprint:
    """Return how to build a checkpoint's network, after what lies on this machine was compared with its row.

    Args:
        checkpoint: the row; no baseline without a network.
        name: what the user calls it, for the sentence.
        trust: which weight files may run code.

    Raises:
        UsageError: no library has the network, nothing says which it is, or the reference is floating.
        InputError: files are missing, or are not what they were when they were registered.
    """
    if checkpoint.resolved is None:
        raise UsageError(
            f"{name}: {checkpoint.reference} is floating (its commit is unknown), so it cannot be embedded",
            hint=f"resolve it with access to the hub: cavewall checkpoint add {checkpoint.reference}",
        )
    reference = parse_reference(checkpoint.reference)
    if isinstance(reference, BaselineReference):
        return _twin(checkpoint, name)
    if isinstance(reference, PathReference):
        return _local(checkpoint, name, trust)
    repository, _, commit = checkpoint.resolved.rpartition("@")
    folder = require_snapshot(repository, commit)
    if isinstance(reference, TimmReference):
        return Blueprint(_stored_architecture(str(checkpoint.like)), OwnWeights(folder))
    if not any(folder.glob("*.safetensors")):
        folder = require_snapshot(repository, commit, (*WITHOUT_WEIGHTS, *TORCH_PATTERNS))
    return Blueprint(FolderArchitecture(folder, checkpoint.resolved), OwnWeights(folder, trust))


def _twin(checkpoint: Checkpoint, name: str) -> Blueprint:
    if checkpoint.like is None or checkpoint.seed is None:
        raise UsageError(
            f"{name} has no network to build", hint="'cavewall checkpoint list' shows what it is"
        )
    architecture = _stored_architecture(checkpoint.like)
    if twin_identity(architecture, checkpoint.seed) != checkpoint.resolved:
        raise _changed(name, checkpoint.like, str(checkpoint.resolved), "another configuration")
    return Blueprint(architecture, RandomWeights(checkpoint.seed))


def twin_identity(architecture: Architecture, seed: int) -> str:
    """Return what an untrained twin resolves to: its architecture and its seed."""
    return f"untrained;like={architecture_identity(architecture)};seed={seed}"


def _unchanged_place(checkpoint: Checkpoint, name: str) -> Path:
    """Return where a checkpoint's file or folder lies, after its bytes were compared with its row."""
    path = Path(str(checkpoint.location))
    if path.is_dir():
        read_config(path)
        found = folder_digest(path)
    elif path.is_file():
        found = sha256_of_file(path)
    else:
        raise InputError(
            f"{name}: {path} is missing",
            hint=f"put it back, or retire the checkpoint: cavewall checkpoint retire {name}",
        )
    if found != checkpoint.revision:
        raise _changed(name, str(path), str(checkpoint.revision), f"sha256 {found[:12]}…")
    return path


def _local(checkpoint: Checkpoint, name: str, trust: Trust) -> Blueprint:
    path = _unchanged_place(checkpoint, name)
    if checkpoint.entry_point is not None:
        raise UsageError(
            f"{name} has a network of your own ({checkpoint.entry_point}), which answers to pictures only",
            hint="'cavewall checkpoint show' shows what it is",
        )
    if path.is_dir():
        return Blueprint(FolderArchitecture(path, checkpoint.reference), OwnWeights(path, trust))
    if checkpoint.like is None:
        raise UsageError(
            f"{name}: nothing says which architecture {path.name} belongs to",
            hint=f"register it again: cavewall checkpoint add {checkpoint.reference} --like REFERENCE",
        )
    return Blueprint(_stored_architecture(checkpoint.like), FileWeights(path, trust))


def _changed(name: str, where: str, expected: str, found: str) -> InputError:
    return InputError(
        f"{name}: {where} has changed since it was registered: expected {expected[:12]}…, found {found}",
        hint="put the registered file back, or register the new one: what changed is a new checkpoint",
    )
