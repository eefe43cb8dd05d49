"""Hugging Face folders on this machine: what belongs to their identity, and what their configuration says."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from ingest.trust import NO_TRUST, Trust
from ingest.weights import safetensors_shapes, weight_shapes
from registry.errors import InputError
from registry.keys import sha256_of_folder

CONFIGURATION_FILE = "config.json"
_TOKENIZER_PATTERNS = (
    "tokenizer*", "special_tokens_map.json", "added_tokens.json", "vocab.*", "merges.txt", "*.model",
    "*.tiktoken", "*.jinja",
)  # fmt: skip
_VOCABULARY_PATTERNS = ("tokenizer.json", "vocab.*", "*.model", "*.tiktoken")
_WEIGHT_PATTERNS = ("*.safetensors", "*.safetensors.index.json")
TORCH_PATTERNS = ("pytorch_model*.bin", "pytorch_model.bin.index.json")


def _matching(folder: Path, patterns: tuple[str, ...]) -> list[str]:
    return sorted(
        entry.name
        for entry in folder.iterdir()
        if entry.is_file() and any(fnmatchcase(entry.name, pattern) for pattern in patterns)
    )


def read_config(folder: Path) -> dict[str, Any]:
    """Return the configuration of a model folder.

    Raises:
        InputError: the folder or its config.json is missing, or is not a JSON object.
    """
    path = folder / CONFIGURATION_FILE
    hint = "give a folder that save_pretrained wrote: config.json, safetensors and the tokenizer's files"
    if not path.is_file():
        raise InputError(f"{folder} is not a model folder: it has no {CONFIGURATION_FILE}", hint=hint)
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON: {error}", hint=hint) from error
    if not isinstance(config, dict):
        raise InputError(f"{path} is not a JSON object", hint=hint)
    return config


def torch_files(folder: Path) -> list[Path]:
    """Return the torch files of a model folder that has no safetensors, else none: these come first."""
    if _matching(folder, ("*.safetensors",)):
        return []
    return [folder / name for name in _matching(folder, TORCH_PATTERNS) if name.endswith(".bin")]


def folder_shapes(folder: Path, trust: Trust = NO_TRUST) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a model folder, from the headers of its weight files.

    Raises:
        InputError: there is no weight file, or one of them is broken or would run code.
    """
    files = [folder / name for name in _matching(folder, ("*.safetensors",))]
    shapes: dict[str, tuple[int, ...]] = {}
    for file in files:
        shapes.update(safetensors_shapes(file))
    for file in torch_files(folder):
        shapes.update(weight_shapes(file, trust))
    if not shapes:
        raise InputError(
            f"{folder} has no safetensors file, and no pytorch_model.bin",
            hint="save the model again with save_pretrained(…, safe_serialization=True)",
        )
    return shapes


def folder_digest(folder: Path) -> str:
    """Return the digest of what a model folder is: its configuration, its tokenizer and its weights."""
    patterns = _TOKENIZER_PATTERNS + (TORCH_PATTERNS if torch_files(folder) else _WEIGHT_PATTERNS)
    return sha256_of_folder(folder, [CONFIGURATION_FILE, *_matching(folder, patterns)])


def configuration_digest(folder: Path) -> str:
    """Return the digest of a model folder without its weights: what an untrained twin shares with it."""
    return sha256_of_folder(folder, [CONFIGURATION_FILE, *_matching(folder, _TOKENIZER_PATTERNS)])


def has_vocabulary(folder: Path) -> bool:
    """Return whether a folder holds a tokenizer; without one, the library would make up an empty one."""
    return bool(_matching(folder, _VOCABULARY_PATTERNS))


def modality_of(config: dict[str, Any]) -> str:
    """Return what a model of this configuration reads: `language` or `vision`."""
    if "vocab_size" in config or "text_config" in config:
        return "language"
    if "image_size" in config or "num_channels" in config or "vision_config" in config:
        return "vision"
    return "language"


def architecture_of(config: dict[str, Any]) -> str:
    """Return the kind of network that a configuration names."""
    return str(config.get("model_type") or config.get("architecture") or "unknown")
