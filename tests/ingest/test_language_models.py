"""Every family of language model gives its hidden states; what has no meaning for one is refused."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing

from ingest.architectures import Blueprint, FolderArchitecture, OwnWeights
from ingest.extraction import default_rule
from ingest.sources.answers import Answer, Running
from ingest.sources.hidden_states import extract
from registry.errors import UsageError
from tests.ingest.conftest import WORDS

torch.set_num_threads(1)
TEXTS = ["red cat", "one big blue dog", "two", "old bird three small cat"]
RULE = default_rule("language")
SMALL = {"num_hidden_layers": 2, "num_attention_heads": 2, "hidden_size": 16, "intermediate_size": 32}


def save_tokenizer(folder: Path, *, with_class_token: bool) -> int:
    """Write a tokenizer of whole words, with <s> … </s> around a text where asked, and return its size."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    vocabulary = {word: number for number, word in enumerate([*special, *WORDS])}
    backend = Tokenizer(models.WordLevel(vocab=vocabulary, unk_token="<unk>"))  # noqa: S106
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    named = {"pad_token": "<pad>", "eos_token": "</s>", "unk_token": "<unk>", "bos_token": "<s>"}
    if with_class_token:
        backend.post_processor = TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
        )
        named |= {"cls_token": "<s>", "sep_token": "</s>"}
    tokenizer = transformers.PreTrainedTokenizerFast(tokenizer_object=backend, **named)
    tokenizer.save_pretrained(folder)
    return len(vocabulary)


CONFIGURATIONS: dict[str, Callable[[int], Any]] = {
    "llama": lambda size: transformers.LlamaForCausalLM(transformers.LlamaConfig(vocab_size=size, **SMALL)),
    "bloom": lambda size: transformers.BloomForCausalLM(
        transformers.BloomConfig(vocab_size=size, hidden_size=16, n_layer=2, n_head=2)
    ),
    "gpt_neox": lambda size: transformers.GPTNeoXForCausalLM(
        transformers.GPTNeoXConfig(vocab_size=size, **SMALL)
    ),
    "bert": lambda size: transformers.BertForMaskedLM(transformers.BertConfig(vocab_size=size, **SMALL)),
    "roberta": lambda size: transformers.RobertaModel(
        transformers.RobertaConfig(vocab_size=size, pad_token_id=1, max_position_embeddings=10, **SMALL)
    ),
    "t5": lambda size: transformers.T5ForConditionalGeneration(
        transformers.T5Config(
            vocab_size=size, d_model=16, d_kv=8, d_ff=32, num_layers=2, num_heads=2, decoder_start_token_id=1
        )
    ),
}
WITH_CLASS_TOKEN = ("bert", "roberta")


@pytest.fixture(scope="module", params=list(CONFIGURATIONS))
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp(request.param) / str(request.param)
    size = save_tokenizer(path, with_class_token=request.param in WITH_CLASS_TOKEN)
    torch.manual_seed(3)
    CONFIGURATIONS[request.param](size).save_pretrained(path)
    return path


def extracted(folder: Path, texts: list[str] = TEXTS, **changes: Any) -> Answer:
    blueprint = Blueprint(FolderArchitecture(folder, f"path:{folder}"), OwnWeights(folder))
    ids = [f"i{n}" for n in range(len(texts))]
    return extract(blueprint, "m", texts, ids, replace(RULE, **changes), Running(batch_size=3))


def states_of(folder: Path, text: str) -> list[torch.Tensor]:
    """Return the hidden states of one text alone, by the library's own words."""
    model: Any = transformers.AutoModel.from_pretrained(folder).eval()
    model = model.get_encoder() if model.config.is_encoder_decoder else model
    inputs = transformers.AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    shown = {name: inputs[name] for name in ("input_ids", "attention_mask")}
    with torch.inference_mode():
        return [state[0] for state in model(**shown, output_hidden_states=True).hidden_states]


POOLS: dict[str, Callable[[torch.Tensor], torch.Tensor]] = {
    "mean": lambda state: state.double().mean(0),
    "max": lambda state: state.max(0).values,
    "last": lambda state: state[-1],
    "cls": lambda state: state[0],
}


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("pooling", list(POOLS))
def test_layers_are_the_hidden_states_of_each_text_alone(folder: Path, side: str, pooling: str) -> None:
    if pooling == "cls" and folder.name not in WITH_CLASS_TOKEN:
        with pytest.raises(UsageError, match="m: its tokenizer puts no class token before a text"):
            extracted(folder, pooling=pooling)
        return
    answer = extracted(folder, pooling=pooling, padding_side=side)
    assert answer.resolved["padding_side"] == side
    for row, text in enumerate(TEXTS):
        states = states_of(folder, text)
        assert len(states) == len(answer.layers) == 3
        for name, state in zip(answer.layers, states, strict=True):
            np.testing.assert_allclose(answer.layers[name][row], POOLS[pooling](state).numpy(), atol=3e-6)


def test_the_positions_that_roberta_never_uses_are_not_filled(tmp_path: Path) -> None:
    size = save_tokenizer(tmp_path, with_class_token=True)
    CONFIGURATIONS["roberta"](size).save_pretrained(tmp_path)
    answer = extracted(tmp_path, texts=["red " * 30, "cat"])
    assert (answer.resolved["maximum_tokens"], answer.resolved["texts_cut"]) == (8, 1)


def test_the_class_token_needs_the_tokenizers_special_tokens(bert_folder: Path) -> None:
    assert extracted(bert_folder, pooling="cls").resolved["pooling"] == "class token"
    with pytest.raises(UsageError, match="puts no class token"):
        extracted(bert_folder, pooling="cls", special_tokens="none")


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_computed_and_stored_as_float32(neox_folder: Path, dtype: str) -> None:
    exact, half = extracted(neox_folder), extracted(neox_folder, dtype=dtype)
    assert half.resolved["dtype"] == f"computed in {dtype}, pooled and stored as float32"
    for name, rows in half.layers.items():
        assert rows.dtype == np.float32
        assert not np.array_equal(rows, exact.layers[name])
        np.testing.assert_allclose(rows, exact.layers[name], atol=0.05)


def test_a_prompt_is_recorded(bert_folder: Path) -> None:
    assert extracted(bert_folder, prompt="one {caption}").resolved["prompt"] == "one {caption}"
    assert extracted(bert_folder).resolved["prompt"] == "none"


def test_the_text_tower_of_a_clip_is_read_from_the_whole_and_from_the_part(tmp_path: Path) -> None:
    part, whole = tmp_path / "part", tmp_path / "whole"
    size = save_tokenizer(whole, with_class_token=False)
    torch.manual_seed(5)
    text = {"vocab_size": size, "eos_token_id": 2, "max_position_embeddings": 12, **SMALL}
    vision = {"image_size": 16, "patch_size": 8, **SMALL}
    model = transformers.CLIPModel(transformers.CLIPConfig(text_config=text, vision_config=vision)).eval()
    model.save_pretrained(whole)
    shutil.copytree(whole, part, ignore=shutil.ignore_patterns("config.json", "*.safetensors"))
    transformers.CLIPTextModel.from_pretrained(whole).save_pretrained(part)
    found, alone = extracted(whole), extracted(part)
    assert list(found.layers) == ["hidden_states.0", "hidden_states.1", "hidden_states.2"]
    assert all(np.array_equal(found.layers[name], alone.layers[name]) for name in found.layers)
    inputs = transformers.AutoTokenizer.from_pretrained(whole)(TEXTS[1], return_tensors="pt")
    with torch.inference_mode():
        states = model.text_model(inputs["input_ids"], output_hidden_states=True).hidden_states
    for name, state in zip(found.layers, states, strict=True):
        np.testing.assert_allclose(found.layers[name][1], state[0].mean(0).numpy(), atol=3e-6)
