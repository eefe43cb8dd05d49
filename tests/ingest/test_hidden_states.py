"""Hidden states of tiny language models, against direct calls."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from ingest.architectures import Blueprint, FileWeights, FolderArchitecture, OwnWeights, RandomWeights
from ingest.extraction import default_rule
from ingest.sources.answers import Answer, Running
from ingest.sources.hidden_states import NOTE, Padding, extract, pad, padding_of
from ingest.sources.transformers_models import load_model
from registry.errors import InputError

TEXTS = ["red cat", "one big blue dog", "two", "old bird three small cat"]
IDS = ["a", "b", "c", "d"]
RULE = default_rule("language")


def extracted(folder: Path, weights: Any = None, texts: list[str] = TEXTS, **options: Any) -> Answer:
    blueprint = Blueprint(FolderArchitecture(folder, f"path:{folder}"), weights or OwnWeights(folder))
    rule = options.pop("rule", RULE)
    return extract(blueprint, "m", texts, [f"i{n}" for n in range(len(texts))], rule, Running(**options))


@pytest.mark.parametrize("kind", ["bert", "neox"])
def test_every_hidden_state_is_the_mean_over_the_tokens_of_one_text(
    kind: str, bert_folder: Path, neox_folder: Path
) -> None:
    folder = {"bert": bert_folder, "neox": neox_folder}[kind]
    answer = extracted(folder)
    assert list(answer.layers) == ["hidden_states.0", "hidden_states.1", "hidden_states.2"]
    model = transformers.AutoModel.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for row, text in enumerate(TEXTS):  # one at a time: no padding
        with torch.inference_mode():
            states = model(**tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states
        for depth, state in enumerate(states):
            expected = state[0].double().mean(0)
            np.testing.assert_allclose(answer.layers[f"hidden_states.{depth}"][row], expected, atol=2e-6)
    assert answer.resolved["note"] == NOTE
    assert answer.libraries["transformers"] == transformers.__version__


def test_the_last_state_of_a_causal_model_is_after_the_final_norm(neox_folder: Path) -> None:
    model = transformers.AutoModel.from_pretrained(neox_folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(neox_folder)
    with torch.inference_mode():
        answer = model(**tokenizer("red", return_tensors="pt"), output_hidden_states=True)
    expected = answer.last_hidden_state[0].mean(0)
    np.testing.assert_allclose(
        extracted(neox_folder, texts=["red", "cat"]).layers["hidden_states.2"][0], expected, atol=2e-6
    )


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("batch_size", [1, 3])
def test_neither_padding_nor_batches_change_the_result(neox_folder: Path, side: str, batch_size: int) -> None:
    reference = extracted(neox_folder)
    answer = extracted(neox_folder, rule=replace(RULE, padding_side=side), batch_size=batch_size)
    assert answer.resolved["padding_side"] == side
    for name, layer in answer.layers.items():
        np.testing.assert_allclose(layer, reference.layers[name], atol=2e-6)


def test_left_padding_does_not_shift_absolute_positions(tmp_path: Path, neox_folder: Path) -> None:
    folder = tmp_path / "gpt2"
    shutil.copytree(neox_folder, folder)
    config = transformers.GPT2Config(vocab_size=257, n_embd=8, n_layer=1, n_head=1, n_positions=64)
    torch.manual_seed(0)
    transformers.GPT2LMHeadModel(config).save_pretrained(folder)
    right, left = (extracted(folder, rule=replace(RULE, padding_side=side)) for side in ("right", "left"))
    for name, layer in right.layers.items():
        np.testing.assert_allclose(layer, left.layers[name], atol=2e-6)


def test_what_own_meant_is_recorded(neox_folder: Path, bert_folder: Path) -> None:
    resolved = extracted(neox_folder).resolved
    assert resolved["padding_token"] == "eos: <|endoftext|>"  # noqa: S105
    assert (resolved["padding_side"], resolved["maximum_tokens"]) == ("right", 64)
    assert resolved["tokens"] == sum(map(len, TEXTS))
    resolved = extracted(bert_folder).resolved
    assert (resolved["padding_token"], resolved["maximum_tokens"]) == ("pad: [PAD]", 24)


def test_long_texts_are_cut_and_counted(bert_folder: Path) -> None:
    answer = extracted(bert_folder, texts=["red cat"] * 3 + ["dog " * 50])
    assert answer.resolved["texts_cut"] == 1
    answer = extracted(bert_folder, rule=replace(RULE, maximum_tokens="4"))
    assert (answer.resolved["maximum_tokens"], answer.resolved["texts_cut"]) == (4, 2)


def test_special_tokens_and_prompts_change_what_is_read(bert_folder: Path) -> None:
    reference = extracted(bert_folder).layers["hidden_states.0"]
    for change in ({"special_tokens": "none"}, {"prompt": "one {caption}"}):
        assert not np.allclose(
            extracted(bert_folder, rule=replace(RULE, **change)).layers["hidden_states.0"], reference
        )
    expected = extracted(bert_folder, texts=[f"one {text}" for text in TEXTS]).layers
    prompted = extracted(bert_folder, rule=replace(RULE, prompt="one {caption}")).layers
    assert all(np.array_equal(prompted[name], expected[name]) for name in expected)


def test_a_text_without_tokens_is_refused_by_item(neox_folder: Path) -> None:
    with pytest.raises(InputError, match="m: the text of item 'i1' has no token"):
        extracted(neox_folder, texts=["red", ""])


def test_a_file_of_weights_gives_what_the_folder_gives(tmp_path: Path, neox_folder: Path) -> None:
    path = tmp_path / "step.safetensors"
    shutil.copy(neox_folder / "model.safetensors", path)
    expected, found = extracted(neox_folder), extracted(neox_folder, FileWeights(path))
    assert all(np.array_equal(found.layers[name], expected.layers[name]) for name in expected.layers)
    base = tmp_path / "base.safetensors"
    save_file(transformers.GPTNeoXModel.from_pretrained(neox_folder).state_dict(), base)
    found = extracted(neox_folder, FileWeights(base))
    assert all(np.array_equal(found.layers[name], expected.layers[name]) for name in expected.layers)


def test_a_twin_is_the_same_every_time(bert_folder: Path) -> None:
    first, second, other = (extracted(bert_folder, RandomWeights(seed)).layers for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], second[name]) for name in first)
    assert not np.allclose(first["hidden_states.0"], other["hidden_states.0"], atol=1e-3)


def test_a_folder_with_a_gap_is_not_filled_with_random_numbers(tmp_path: Path, bert_folder: Path) -> None:
    folder = tmp_path / "bert"
    shutil.copytree(bert_folder, folder)
    state = load_file(folder / "model.safetensors")
    del state["encoder.layer.1.output.dense.weight"]
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"'encoder\.layer\.1\.output\.dense\.weight' is missing"):
        extracted(folder)
    state["embeddings.word_embeddings.weight"] = torch.zeros(3, 16)
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match=r"'embeddings.word_embeddings.weight' has shape \[3, 16\]"):
        extracted(folder)


def test_a_folder_without_a_tokenizer_is_refused(tmp_path: Path, bert_folder: Path) -> None:
    folder = tmp_path / "bert"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copy(bert_folder / name, folder / name)
    with pytest.raises(InputError, match=r"m: .* has no tokenizer"):
        extracted(folder)


def test_a_model_that_brings_its_own_code_is_not_run(tmp_path: Path, bert_folder: Path) -> None:
    folder = tmp_path / "custom"
    shutil.copytree(bert_folder, folder)
    (folder / "config.json").write_text(
        '{"model_type": "mine", "auto_map": {"AutoConfig": "c.C", "AutoModel": "c.M"}}'
    )
    (folder / "c.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    with pytest.raises(InputError, match="transformers cannot read its configuration"):
        load_model(Blueprint(FolderArchitecture(folder, ""), OwnWeights(folder)), "m")
    assert not (tmp_path / "ran").exists()


def test_padding_by_hand() -> None:
    rows, mask = pad([[1, 2, 3], [4]], Padding(9, "", "left"))
    assert (rows.tolist(), mask.tolist()) == ([[1, 2, 3], [9, 9, 4]], [[1, 1, 1], [0, 0, 1]])
    rows, mask = pad([[1, 2, 3], [4]], Padding(9, "", "right"))
    assert (rows.tolist(), mask.tolist()) == ([[1, 2, 3], [4, 9, 9]], [[1, 1, 1], [1, 0, 0]])


def test_a_tokenizer_without_any_special_token_is_padded_with_0(neox_folder: Path) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(neox_folder)
    tokenizer.eos_token = None
    assert padding_of(tokenizer, "own") == Padding(0, "id 0: the tokenizer names no token", "right")
