"""What belongs to a model folder, and what its configuration says."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ingest.architectures import Blueprint, FolderArchitecture, OwnWeights
from ingest.model_folders import (
    architecture_of,
    configuration_digest,
    folder_digest,
    folder_shapes,
    has_vocabulary,
    modality_of,
    read_config,
)
from ingest.sources.transformers_models import load_model
from ingest.trust import Trust
from registry.errors import InputError
from registry.keys import sha256_of_file
from tests.ingest.conftest import write_json
from tests.ingest.pickles import write_marked


@pytest.fixture
def folder(tmp_path: Path, bert_folder: Path) -> Path:
    copy = tmp_path / "bert"
    shutil.copytree(bert_folder, copy)
    return copy


def test_training_state_is_no_part_of_the_model(folder: Path) -> None:
    before = folder_digest(folder), configuration_digest(folder)
    for name in ("optimizer.pt", "trainer_state.json", "README.md", "training_args.bin"):
        (folder / name).write_text("x")
    (folder / "1_Pooling").mkdir()
    assert (folder_digest(folder), configuration_digest(folder)) == before


@pytest.mark.parametrize("name", ["config.json", "vocab.txt", "tokenizer_config.json", "chat_template.jinja"])
def test_configuration_and_tokenizer_are_part_of_both_digests(folder: Path, name: str) -> None:
    before = folder_digest(folder), configuration_digest(folder)
    (folder / name).write_text("{ }")
    after = folder_digest(folder), configuration_digest(folder)
    assert before[0] != after[0]
    assert before[1] != after[1]


def test_weights_are_part_of_the_model_alone(folder: Path) -> None:
    before = folder_digest(folder), configuration_digest(folder)
    (folder / "model-00002-of-00002.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    assert folder_digest(folder) != before[0]
    assert configuration_digest(folder) == before[1]


def test_shapes_come_from_every_weight_file(folder: Path) -> None:
    assert folder_shapes(folder)["embeddings.word_embeddings.weight"] == (17, 16)
    (folder / "second.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match=r"second\.safetensors is not a safetensors file"):
        folder_shapes(folder)


def test_a_tokenizer_is_more_than_its_settings(folder: Path) -> None:
    assert has_vocabulary(folder)
    for name in ("tokenizer.json", "vocab.txt"):
        (folder / name).unlink(missing_ok=True)
    assert (folder / "tokenizer_config.json").is_file()
    assert not has_vocabulary(folder)


@pytest.mark.parametrize(
    ("config", "modality", "architecture"),
    [
        ({"model_type": "bert", "vocab_size": 5}, "language", "bert"),
        ({"model_type": "dinov2", "image_size": 224}, "vision", "dinov2"),
        ({"model_type": "clip", "text_config": {}, "vision_config": {}}, "language", "clip"),
        ({}, "language", "unknown"),
    ],
)
def test_a_configuration_says_what_is_read(
    config: dict[str, object], modality: str, architecture: str
) -> None:
    assert (modality_of(config), architecture_of(config)) == (modality, architecture)


def test_a_configuration_that_is_no_object_is_refused(tmp_path: Path) -> None:
    write_json(tmp_path / "config.json", [1])
    with pytest.raises(InputError, match="is not a JSON object"):
        read_config(tmp_path)


def test_a_folder_of_torch_files_is_read_where_there_is_no_safetensors(folder: Path) -> None:
    whole, shapes = folder_digest(folder), folder_shapes(folder)
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    assert folder_digest(folder) == whole  # safetensors come first: what lies beside them is not read
    state = load_model(Blueprint(FolderArchitecture(folder, ""), OwnWeights(folder)), "m").state_dict()
    (folder / "model.safetensors").unlink()
    assert folder_digest(folder) != whole
    assert folder_shapes(folder) == shapes
    again = load_model(Blueprint(FolderArchitecture(folder, ""), OwnWeights(folder)), "m").state_dict()
    assert all(torch.equal(again[name], tensor) for name, tensor in state.items())


def test_a_folder_with_a_pickle_runs_nothing(folder: Path, tmp_path: Path) -> None:
    state = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    file, mark = folder / "pytorch_model.bin", tmp_path / "mark"
    write_marked(file, mark, state)
    blueprint = Blueprint(FolderArchitecture(folder, ""), OwnWeights(folder))
    for read in (lambda: folder_shapes(folder), lambda: load_model(blueprint, "m")):
        with pytest.raises(InputError, match=r"pytorch_model\.bin cannot be loaded without running code"):
            read()
    assert not mark.exists()
    trust = Trust(pickles=frozenset({sha256_of_file(file)}))
    assert folder_shapes(folder, trust)
    assert mark.exists()
