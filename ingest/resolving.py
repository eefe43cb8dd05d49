"""From a reference as asked to what it is at this moment: a commit or a digest, an architecture, a count."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.architectures import (
    Architecture,
    FileWeights,
    FolderArchitecture,
    TimmArchitecture,
    architecture_like,
    twin_identity,
)
from ingest.hub import find_snapshot
from ingest.model_folders import architecture_of, folder_digest, folder_shapes, modality_of, read_config
from ingest.models_extra import require_models
from ingest.references import BaselineReference, HubReference, PathReference, Reference, TimmReference
from ingest.trust import NO_TRUST, Trust
from ingest.weight_facts import FileFacts, describe_file
from ingest.weights import Shapes, element_count, require_fit
from registry.errors import InputError, UsageError
from registry.tables.checkpoints import Source

BASELINE_MODALITY = {"pixels": "vision", "tf-idf": "language"}


@dataclass(frozen=True)
class Resolved:
    """What a reference was when it was resolved; the fields are those of the table `checkpoint`.

    `resolved` is None for a floating reference; `note` says what a reader of the row would ask.
    """

    source: Source
    resolved: str | None
    revision: str | None
    location: str | None
    like: str | None
    modality: str
    architecture: str
    parameter_count: int | None
    seed: int | None = None
    training_data: str | None = None
    licence: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    entry_point: str | None = None
    note: str = ""


def resolve(
    reference: Reference,
    *,
    like: Reference | None = None,
    seed: int | None = None,
    modality: str | None = None,
    entry_point: str | None = None,
    trust: Trust = NO_TRUST,
) -> Resolved:
    """Return what a reference is at this moment.

    Args:
        reference: what to resolve.
        like: the architecture of a weight file, or what an untrained twin is a twin of.
        seed: the seed of an untrained twin; 0 where it is None.
        modality: what the checkpoint reads, where nothing else says so.
        entry_point: the user's own `module:function` that builds the network of a weight file.
        trust: what this command may run of it, and which weight files may run code.

    Raises:
        UsageError: `like` or `entry_point` is given where it has no meaning, or is missing.
        InputError: there is no such model or file, or the file is broken or does not fit.
        MissingExtra: the libraries that read models are not installed.
    """
    is_twin = isinstance(reference, BaselineReference) and reference.kind == "untrained"
    if like is not None and not is_twin and not isinstance(reference, PathReference):
        raise UsageError(
            f"--like has no meaning for {reference.text}", hint="use it with path:FILE and baseline:untrained"
        )
    if entry_point is not None and (like is not None or not isinstance(reference, PathReference)):
        raise UsageError(
            "--architecture says how to build the network of a weight file",
            hint="use it with path:FILE, and without --like",
        )
    if isinstance(reference, TimmReference):
        return _resolve_timm(reference)
    if isinstance(reference, HubReference):
        return _resolve_hub(reference, modality)
    if isinstance(reference, PathReference):
        path = Path(os.path.expanduser(reference.path)).absolute()  # noqa: PTH111 - Path raises for ~nobody
        if path.is_dir():
            return _resolve_folder(path, like, entry_point, trust)
        file = describe_file(path, trust)
        if entry_point is None:
            return _resolve_file(path, file, like, modality, trust)
        return _resolve_own_network(path, file, entry_point, modality, trust)
    if is_twin:
        return _resolve_twin(like, 0 if seed is None else seed)
    return _resolve_baseline(reference)


def _resolve_timm(reference: TimmReference) -> Resolved:
    require_models("registering a timm model")
    from ingest.sources.timm_catalogue import find_entry

    entry = find_entry(reference.name)
    if entry.hub_id is None:
        raise InputError(
            f"timm model {entry.name} has no weights on the hub",
            hint=f"register a file of its weights: path:FILE --like timm:{entry.name}",
        )
    folder = find_snapshot(entry.hub_id, "main")
    architecture = TimmArchitecture(entry.name)
    return Resolved(
        source="timm",
        resolved=f"{entry.hub_id}@{folder.name}" if folder else None,
        revision=folder.name if folder else None,
        location=None,
        like=architecture.text,
        modality="vision",
        architecture=entry.architecture,
        parameter_count=count_parameters(architecture),
        training_data=entry.training_data,
        licence=entry.licence,
    )


def _resolve_hub(reference: HubReference, modality: str | None) -> Resolved:
    folder = find_snapshot(reference.repository, reference.revision)
    commit = folder.name if folder else reference.revision if reference.is_commit else None
    config = read_config(folder) if folder and (folder / "config.json").is_file() else {}
    if "pretrained_cfg" in config:
        raise UsageError(
            f"{reference.text} is a timm model",
            hint=f"register it as timm:{reference.repository.rpartition('/')[2]}",
        )
    architecture = FolderArchitecture(folder, reference.text) if folder and config else None
    return Resolved(
        source="hf",
        resolved=f"{reference.repository}@{commit}" if commit else None,
        revision=commit,
        location=None,
        like=None,
        modality=modality or modality_of(config),
        architecture=architecture_of(config),
        parameter_count=count_parameters(architecture) if architecture else None,
    )


def _resolve_folder(path: Path, like: Reference | None, entry_point: str | None, trust: Trust) -> Resolved:
    if like is not None or entry_point is not None:
        word = "--like" if entry_point is None else "--architecture"
        raise UsageError(
            f"{word} has no meaning for the folder {path}",
            hint="its config.json says what the weights belong to",
        )
    config = read_config(path)
    shapes = folder_shapes(path, trust)
    digest = folder_digest(path)
    counted = count_parameters(FolderArchitecture(path, f"path:{path}"))
    return Resolved(
        source="path",
        resolved=f"sha256:{digest}",
        revision=digest,
        location=str(path),
        like=None,
        modality=modality_of(config),
        architecture=architecture_of(config),
        parameter_count=element_count(shapes) if counted is None else counted,
    )


def _resolve_file(
    path: Path, file: FileFacts, like: Reference | None, modality: str | None, trust: Trust
) -> Resolved:
    if like is None:
        return _file_alone(path, file, modality)
    require_models("reading the architecture that --like names")
    architecture = architecture_like(like)
    _require_fitting(FileWeights(path, trust), architecture, file.shapes)
    return Resolved(
        source="path",
        resolved=f"sha256:{file.sha256}",
        revision=file.sha256,
        location=str(path),
        like=architecture.text,
        modality=architecture_modality(architecture),
        architecture=architecture_word(architecture),
        parameter_count=count_parameters(architecture),
        attributes=file.attributes,
        note=file.noted(f"architecture taken from {architecture.text} (--like)"),
    )


def _resolve_own_network(
    path: Path, file: FileFacts, entry_point: str, modality: str | None, trust: Trust
) -> Resolved:
    """Describe weights whose network a function of the user's builds; it runs once here, to be counted."""
    if modality == "language":
        raise UsageError(
            f"{entry_point}: a network of your own can read pictures only",
            hint="register the file without --architecture, and record its embeddings as arrays",
        )
    require_models("building a network of your own")
    from ingest.entry_points import build_network

    module = build_network(entry_point, path, trust).module
    return Resolved(
        source="path",
        resolved=f"sha256:{file.sha256}",
        revision=file.sha256,
        location=str(path),
        like=None,
        modality="vision",
        architecture=entry_point.rpartition(":")[2],
        parameter_count=sum(parameter.numel() for parameter in module.parameters()),
        attributes=file.attributes,
        entry_point=entry_point,
        note=file.noted(f"architecture built by {entry_point} (--architecture)"),
    )


def _file_alone(path: Path, file: FileFacts, modality: str | None) -> Resolved:
    """Describe weights of an unknown network: their embeddings come as arrays."""
    shapes = file.shapes
    has_filters = any(len(shape) == 4 for shape in shapes.values())
    note = f"{len(shapes)} tensors counted, buffers among them; architecture unknown without --like"
    if modality is None:
        modality = "vision" if has_filters else "language"
        note += f"; reads {modality}, from the shapes (--modality says otherwise)"
    return Resolved(
        source="path",
        resolved=f"sha256:{file.sha256}",
        revision=file.sha256,
        location=str(path),
        like=None,
        modality=modality,
        architecture="unknown",
        parameter_count=element_count(shapes),
        attributes=file.attributes,
        note=file.noted(note),
    )


def _resolve_twin(like: Reference | None, seed: int) -> Resolved:
    if like is None:
        raise UsageError(
            "baseline:untrained needs to know whose twin it is",
            hint="add --like REFERENCE, and --seed N for others",
        )
    if not 0 <= seed < 2**63:
        raise UsageError(f"the seed {seed} is out of range", hint="use a number from 0 to 2^63 - 1")
    require_models("registering an untrained twin")
    architecture = architecture_like(like)
    return Resolved(
        source="baseline",
        resolved=twin_identity(architecture, seed),
        revision=None,
        location=None,
        like=architecture.text,
        modality=architecture_modality(architecture),
        architecture=architecture_word(architecture),
        parameter_count=count_parameters(architecture),
        seed=seed,
    )


def _resolve_baseline(reference: BaselineReference) -> Resolved:
    return Resolved(
        source="baseline",
        resolved=reference.kind if reference.size is None else f"{reference.kind}:{reference.size}",
        revision=None,
        location=None,
        like=None,
        modality=BASELINE_MODALITY[reference.kind],
        architecture=reference.kind,
        parameter_count=0,
    )


def architecture_modality(architecture: Architecture) -> str:
    """Return what a network of this architecture reads."""
    if isinstance(architecture, TimmArchitecture):
        return "vision"
    return modality_of(read_config(architecture.folder))


def architecture_word(architecture: Architecture) -> str:
    """Return the kind of network in one word."""
    if isinstance(architecture, TimmArchitecture):
        return architecture.name.partition(".")[0]
    return architecture_of(read_config(architecture.folder))


def count_parameters(architecture: Architecture) -> int | None:
    """Return the number of parameters of the network as its library builds it, or None where it cannot."""
    require_models("counting parameters")
    if isinstance(architecture, TimmArchitecture):
        from ingest.sources import timm_catalogue

        return timm_catalogue.count_parameters(architecture.name)
    from ingest.sources import transformers_models

    return transformers_models.count_parameters(architecture.folder)


def _require_fitting(weights: FileWeights, architecture: Architecture, shapes: Shapes) -> None:
    if isinstance(architecture, TimmArchitecture):
        from ingest.sources import timm_models

        expected = timm_models.expected_shapes(architecture.name)
        require_fit(weights.path, architecture.text, expected, shapes)
        return
    from ingest.sources import transformers_models

    transformers_models.require_fit(weights, architecture.text, architecture.folder)
