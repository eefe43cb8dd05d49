"""What timm knows about its models without loading weights."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

import timm
from timm.models import get_pretrained_cfg

from ingest.models_extra import require_models
from registry.errors import InputError

_DATA_OF_WORD = {
    "in1k": "ImageNet-1k",
    "in12k": "ImageNet-12k",
    "in21k": "ImageNet-21k",
    "in22k": "ImageNet-22k",
    "laion2b": "LAION-2B",
    "laion400m": "LAION-400M",
    "laiona": "LAION-Aesthetics",
    "lvd142m": "LVD-142M",
    "lvd1689m": "LVD-1689M",
    "webli": "WebLI",
    "yfcc15m": "YFCC-15M",
    "yfcc100m": "YFCC-100M",
    "cc12m": "CC-12M",
    "datacomp1b": "DataComp-1B",
    "dfn2b": "DFN-2B",
    "dfn5b": "DFN-5B",
    "jft": "JFT-300M",
    "ig1b": "IG-1B",
    "sa1b": "SA-1B",
    "sat493m": "SAT-493M",
}
# Words of timm's own names and tags, the first that fits; a tag with `ft` was fine-tuned after that.
_OBJECTIVE_OF_WORDS = (
    ("image-text contrastive", {"clip", "siglip", "metaclip", "metaclip2", "mclip", "mclip2", "tinyclip"}),
    (
        "self-supervised",
        {"dino", "dinov2", "dinov3", "mae", "fcmae", "ijepa", "mim", "seer", "beit", "beitv2"},
    ),
    ("weakly supervised", {"swsl", "wsl", "swag"}),
    ("semi-supervised", {"ssl", "ns"}),
    ("supervised", {"in1k", "in12k", "in21k", "in22k"}),
)


@dataclass(frozen=True)
class TimmEntry:
    """A timm model: full name with its tag, and what its configuration says about the weights."""

    name: str
    architecture: str
    hub_id: str | None
    training_data: str | None
    licence: str | None
    objective: str | None


def find_entry(name: str) -> TimmEntry:
    """Return what timm knows under a name, `architecture` or `architecture.tag`.

    Raises:
        InputError: timm has no such architecture or no such tag; the hint has the nearest names.
    """
    architecture = name.partition(".")[0]
    if not timm.is_model(architecture):
        close = _nearest(name, [*timm.list_models(pretrained=True), *timm.list_models()])
        hint = f"did you mean {', '.join(close)} ?" if close else "timm.list_models() gives all names"
        raise InputError(f"no such timm model: {name}", hint=hint)
    try:
        config = configuration_of(name)
    except RuntimeError as error:
        tags = timm.list_models(f"{architecture}.*", pretrained=True)
        raise InputError(
            f"timm model {architecture} has no weights with the tag '{name.partition('.')[2]}'",
            hint=f"did you mean {', '.join(_nearest(name, tags) or tags[:3]) or architecture} ?",
        ) from error
    tag = str(config.get("tag") or "")
    hub_id = config.get("hf_hub_id")
    return TimmEntry(
        name=f"{architecture}.{tag}" if tag else architecture,
        architecture=architecture,
        hub_id=str(hub_id) if hub_id else None,
        training_data=training_data_of(tag),
        licence=config.get("license") if config.get("license") != "unknown" else None,
        objective=objective_of(architecture, tag),
    )


def configuration_of(name: str) -> dict[str, Any]:
    """Return timm's configuration of the weights of a name.

    Raises:
        RuntimeError: timm has no such name or tag.
    """
    config = get_pretrained_cfg(name, allow_unregistered=False)
    if config is None:
        raise RuntimeError(f"no configuration of {name}")
    return dict(config.to_dict())  # type: ignore[no-untyped-call]


def _nearest(name: str, known: list[str]) -> list[str]:
    return difflib.get_close_matches(name, known, n=3, cutoff=0.5)


def training_data_of(tag: str) -> str | None:
    """Return the data sets that the words of a timm tag name, in their order, or None if it names none."""
    words = tag.lower().replace("-", "_").split("_")
    found = dict.fromkeys(_DATA_OF_WORD[word] for word in words if word in _DATA_OF_WORD)
    return ", ".join(found) or None


def objective_of(architecture: str, tag: str) -> str | None:
    """Return what weights were trained for, by the words of their name and tag, or None if none says it."""
    words = {word for text in (architecture, tag) for word in text.lower().replace("-", "_").split("_")}
    for objective, known in _OBJECTIVE_OF_WORDS:
        if words & known:
            return f"{objective}, fine-tuned" if "ft" in words and objective != "supervised" else objective
    return None


def count_parameters(name: str) -> int:
    """Return the number of parameters of the network that timm builds under a name; no weights are made."""
    return sum(parameter.numel() for parameter in shapeless(name).parameters())


def shapeless(name: str) -> Any:
    """Return the network of a name with shapes and no numbers."""
    import torch

    require_models("building a timm model")
    with torch.device("meta"):
        return timm.create_model(name, pretrained=False)
