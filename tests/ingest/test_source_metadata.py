"""What a source says about its weights comes in with them; what the user says stands above it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from ingest.checkpoints import add_checkpoint
from ingest.source_metadata import front_matter, objective_of, of_header
from ingest.sources.timm_catalogue import find_entry
from registry.errors import InputError
from registry.handle import Registry
from registry.tables import Checkpoint
from tests.ingest.conftest import CacheModel

CARD = """\
---
license: apache-2.0
datasets:
- EleutherAI/pile
- c4
base_model: org/parent
---
# A model
"""


def row(registry: Registry, checkpoint_id: int) -> Checkpoint:
    with registry.read() as session:
        return session.get_one(Checkpoint, checkpoint_id)


@pytest.fixture
def card(tmp_path: Path) -> Path:
    path = tmp_path / "README.md"
    path.write_text(CARD, encoding="utf-8")
    return path


def test_a_model_card_brings_licence_data_and_parent(
    registry: Registry, cache_model: CacheModel, neox_folder: Path, card: Path
) -> None:
    files = {"config.json": neox_folder / "config.json", "README.md": card}
    cache_model("org/neox", files)
    added = add_checkpoint(registry, "hf:org/neox", attributes={"lr": 1})
    found = row(registry, added.checkpoint_id)
    assert (found.licence, found.training_data) == ("apache-2.0", "EleutherAI/pile, c4")
    assert found.objective == "causal language modelling"
    assert found.attributes == {"base_model": "org/parent", "lr": 1}
    assert found.parent_id is None
    assert "objective causal language modelling, data EleutherAI/pile, c4" in added.detail


def test_what_the_user_says_stands_above_the_card(
    sqlite_registry: Registry, cache_model: CacheModel, neox_folder: Path, card: Path
) -> None:
    cache_model("org/neox", {"config.json": neox_folder / "config.json", "README.md": card})
    added = add_checkpoint(
        sqlite_registry, "hf:org/neox", licence="mine", training_data="toys", objective="fun"
    )
    found = row(sqlite_registry, added.checkpoint_id)
    assert (found.licence, found.training_data, found.objective) == ("mine", "toys", "fun")


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("# no front matter", {}),
        ("---\nlicense: mit\n", {}),
        ("---\n- a list\n---\n", {}),
        ("---\na: [1\n---\n", {}),
        ("---\n!!python/object/apply:os.system ['true']\n---\n", {}),
        ("---\nlicense: mit\n---\n", {"license": "mit"}),
        ("", {}),
    ],
)
def test_a_card_that_cannot_be_read_says_nothing(tmp_path: Path, text: str, fields: dict[str, str]) -> None:
    path = tmp_path / "README.md"
    path.write_text(text, encoding="utf-8")
    assert front_matter(path) == fields
    assert front_matter(tmp_path / "missing.md") == {}


def test_the_header_of_a_file_is_kept(sqlite_registry: Registry, tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    said = {"license": "cc0", "dataset": "toys", "format": "pt", "epoch": "3", "note": "x" * 1000}
    save_file({"w": np.ones((2, 2), np.float32)}, path, metadata=said)
    found = row(sqlite_registry, add_checkpoint(sqlite_registry, f"path:{path}").checkpoint_id)
    assert (found.licence, found.training_data) == ("cc0", "toys")
    assert found.attributes == {"safetensors": {"epoch": "3", "note": "x" * 300}}


def test_a_broken_header_is_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(b"\xff" * 64)
    with pytest.raises(InputError, match="its header cannot be read"):
        of_header(path)


@pytest.mark.parametrize(
    ("name", "objective", "data"),
    [
        ("vit_base_patch14_dinov2.lvd142m", "self-supervised", "LVD-142M"),
        ("vit_base_patch16_224.mae", "self-supervised", None),
        ("vit_base_patch16_224.augreg_in21k", "supervised", "ImageNet-21k"),
        (
            "vit_base_patch16_clip_224.laion2b_ft_in1k",
            "image-text contrastive, fine-tuned",
            "LAION-2B, ImageNet-1k",
        ),
        ("resnet18.fb_ssl_yfcc100m_ft_in1k", "semi-supervised, fine-tuned", "YFCC-100M, ImageNet-1k"),
        ("vit_base_patch16_siglip_224.webli", "image-text contrastive", "WebLI"),
    ],
)
def test_timm_says_objective_and_data(name: str, objective: str, data: str | None) -> None:
    entry = find_entry(name)
    assert (entry.objective, entry.training_data) == (objective, data)
    assert entry.licence


def test_a_configuration_says_the_objective_only_where_its_class_does() -> None:
    assert objective_of({"architectures": ["BertForMaskedLM"]}) == "masked language modelling"
    assert objective_of({"model_type": "clip", "architectures": ["CLIPModel"]}) == "image-text contrastive"
    for config in ({}, {"architectures": ["BertModel"]}, {"architectures": "GPT"}, {"architectures": [None]}):
        assert objective_of(config) is None
