"""Tiny real models, made here: a BERT, a byte-level GPT-NeoX, weights of timm's test architectures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from registry.items import Items

torch.set_num_threads(1)
END_OF_TEXT = "<|endoftext|>"
WORDS = ("red", "green", "blue", "cat", "dog", "bird", "one", "two", "three", "big", "small", "old")


@pytest.fixture(scope="session")
def bert_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A BERT of two layers and width 16, with its tokenizer."""
    folder = tmp_path_factory.mktemp("bert")
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary), encoding="utf-8")
    config = transformers.BertConfig(
        vocab_size=len(vocabulary),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=24,
    )
    torch.manual_seed(1)
    transformers.BertModel(config).save_pretrained(folder)
    tokenizer = transformers.BertTokenizer(str(folder / "vocab.txt"))
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def neox_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A byte-level GPT-NeoX of two layers and width 32; its tokenizer has an end and no padding."""
    return make_neox(tmp_path_factory.mktemp("neox"), seed=2)


def make_neox(folder: Path, *, seed: int, context: int = 64) -> Path:
    """Write a tiny byte-level GPT-NeoX into a folder."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: number for number, letter in enumerate([*alphabet, END_OF_TEXT])}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    tokenizer = transformers.PreTrainedTokenizerFast(
        tokenizer_object=backend, eos_token=END_OF_TEXT, model_max_length=context
    )
    tokenizer.save_pretrained(folder)
    config = transformers.GPTNeoXConfig(
        vocab_size=len(vocabulary),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=context,
    )
    torch.manual_seed(seed)
    transformers.GPTNeoXForCausalLM(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def vit_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of timm's `test_vit`, as safetensors."""
    return make_timm_file(tmp_path_factory.mktemp("vit") / "vit.safetensors", "test_vit", seed=3)


@pytest.fixture(scope="session")
def efficientnet_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of timm's `test_efficientnet`, as safetensors."""
    return make_timm_file(tmp_path_factory.mktemp("net") / "net.safetensors", "test_efficientnet", seed=4)


def make_timm_file(path: Path, architecture: str, *, seed: int) -> Path:
    """Write weights of a timm architecture, drawn under a seed."""
    torch.manual_seed(seed)
    save_file(timm.create_model(architecture, pretrained=False).state_dict(), path)
    return path


@pytest.fixture
def items() -> Items:
    """Six items with a picture of noise and two captions each."""
    return make_items(6)


def make_items(count: int, *, seed: int = 5) -> Items:
    """Return items with pictures of noise and two captions each."""
    from ingest.items_from_files import items_from_arrays

    generator = np.random.default_rng(seed)
    images = generator.integers(0, 256, (count, 20, 24, 3), dtype=np.uint8)
    texts = [
        [" ".join(generator.choice(WORDS, size=2 + i % 4)), f"{WORDS[i % 12]} {WORDS[(i * 5) % 12]}"]
        for i in range(count)
    ]
    return items_from_arrays(images, ids=[f"item{i}" for i in range(count)], texts=texts)


@pytest.fixture
def hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty local cache of the hub, with the hub out of reach."""
    home = tmp_path / "huggingface"
    (home / "hub").mkdir(parents=True)
    monkeypatch.setenv("HF_HOME", str(home))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return home / "hub"


CacheModel = Callable[..., str]


@pytest.fixture
def cache_model(hub_cache: Path) -> CacheModel:
    """A function that puts files into the cache as the hub's client lays them out, and returns the commit."""

    def put(repository: str, files: dict[str, Path], revision: str = "main", commit: str = "a" * 40) -> str:
        folder = hub_cache / f"models--{repository.replace('/', '--')}"
        snapshot = folder / "snapshots" / commit
        snapshot.mkdir(parents=True, exist_ok=True)
        (folder / "blobs").mkdir(exist_ok=True)
        (folder / "refs").mkdir(exist_ok=True)
        for name, source in files.items():
            blob = folder / "blobs" / f"{commit[:8]}-{name}"
            blob.write_bytes(source.read_bytes())
            (snapshot / name).symlink_to(blob)
        (folder / "refs" / revision).write_text(commit, encoding="ascii")
        return commit

    return put


def files_of(folder: Path) -> dict[str, Path]:
    """Return the files of a folder by name."""
    return {path.name: path for path in folder.iterdir() if path.is_file()}


def write_json(path: Path, value: object) -> Path:
    """Write a value as JSON and return the path."""
    path.write_text(json.dumps(value), encoding="utf-8")
    return path
