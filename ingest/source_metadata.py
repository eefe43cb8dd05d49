"""What a source says about its weights: a model card, a configuration, a header, a catalogue.

What the user says stands above all of it. Sizes are not read here: parameters are counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ingest.hub import find_snapshot
from ingest.model_folders import CONFIGURATION_FILE, read_config
from ingest.references import HubReference, Reference, TimmReference
from registry.errors import InputError

CARD_FILE = "README.md"
_LARGEST_CARD = 64 * 1024
_MOST_VALUES = 40
_LONGEST_VALUE = 300
_OBJECTIVES = (
    ("ForCausalLM", "causal language modelling"),
    ("LMHeadModel", "causal language modelling"),
    ("ForMaskedLM", "masked language modelling"),
    ("ForImageClassification", "supervised"),
)
_IMAGE_TEXT = frozenset({"clip", "siglip", "siglip2", "align", "altclip", "chinese_clip"})


@dataclass(frozen=True)
class SourceMetadata:
    """What a source says; None and {} where it says nothing. The parent stays a text, `base_model`."""

    objective: str | None = None
    training_data: str | None = None
    licence: str | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)


def source_metadata(reference: Reference, revision: str | None, location: str | None) -> SourceMetadata:
    """Return what the source of a reference says about the weights.

    Args:
        reference: what is registered.
        revision: the commit that it was resolved to; None is floating.
        location: the file or folder on this machine.
    """
    if isinstance(reference, TimmReference):
        from ingest.sources.timm_catalogue import find_entry

        return SourceMetadata(objective=find_entry(reference.name).objective)
    if isinstance(reference, HubReference):
        wanted = (CONFIGURATION_FILE, CARD_FILE)
        folder = find_snapshot(reference.repository, revision, wanted) if revision else None
        return of_folder(folder) if folder is not None else SourceMetadata()
    path = None if location is None else Path(location)
    if path is not None and path.is_dir():
        return of_folder(path)
    return of_header(path) if path is not None and path.suffix == ".safetensors" else SourceMetadata()


def of_folder(folder: Path) -> SourceMetadata:
    """Return what the configuration and the model card in a folder say."""
    has_config = (folder / CONFIGURATION_FILE).is_file()
    objective = objective_of(read_config(folder)) if has_config else None
    card = front_matter(folder / CARD_FILE)
    licence = _text(card.get("license"))
    base = _text(card.get("base_model"))
    return SourceMetadata(
        objective=objective,
        training_data=_text(card.get("datasets")),
        licence=_text(card.get("license_name")) or licence if licence in (None, "other") else licence,
        attributes={"base_model": base} if base else {},
    )


def objective_of(config: Mapping[str, Any]) -> str | None:
    """Return what a network was trained for, where the class that its configuration names says it."""
    if config.get("model_type") in _IMAGE_TEXT:
        return "image-text contrastive"
    classes = config.get("architectures")
    names = [str(name) for name in classes] if isinstance(classes, list) else []
    return next((word for name in names for end, word in _OBJECTIVES if name.endswith(end)), None)


def front_matter(path: Path) -> dict[str, Any]:
    """Return the fields at the head of a model card, or {} where it has none that can be read."""
    import yaml  # type: ignore[import-untyped]

    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            lines = file.read(_LARGEST_CARD).splitlines()
    except OSError:
        return {}
    if not lines or lines[0].strip() != "---":
        return {}
    end = next((number for number, line in enumerate(lines[1:], start=1) if line.strip() == "---"), None)
    if end is None:
        return {}
    try:
        fields = yaml.safe_load("\n".join(lines[1:end]))
    except (yaml.YAMLError, ValueError, RecursionError):
        return {}
    return fields if isinstance(fields, dict) else {}


def of_header(path: Path) -> SourceMetadata:
    """Return what the header of a safetensors file says beside its tensors."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            said = dict(file.metadata() or {})
    except (SafetensorError, OSError) as error:
        raise InputError(f"{path}: its header cannot be read: {error}", hint="save the file again") from error
    kept = {
        key: value[:_LONGEST_VALUE]
        for key, value in list(said.items())[:_MOST_VALUES]
        if "\0" not in key + value
    }
    kept.pop("format", None)  # which library wrote it says nothing about the weights
    fields = {
        name: next((kept.pop(key) for key in keys if key in kept), None)
        for name, keys in {
            "licence": ("licence", "license", "modelspec.license"),
            "training_data": ("training_data", "datasets", "dataset"),
            "objective": ("objective",),
        }.items()
    }
    return SourceMetadata(**fields, attributes={"safetensors": kept} if kept else {})


def _text(value: object) -> str | None:
    """Return a text, or a list of texts as one, cut to what a table shows; None for anything else."""
    values = value if isinstance(value, list) else [value]
    texts = [text.strip() for text in values[:_MOST_VALUES] if isinstance(text, str) and "\0" not in text]
    return ", ".join(filter(None, texts))[:_LONGEST_VALUE] or None
