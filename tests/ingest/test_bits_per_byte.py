"""Bits per byte against its definition, on a model worked by hand and on a tiny real one."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from sqlalchemy import select

from ingest.bits_per_byte import corpus_ratio, measure_bits_per_byte
from ingest.checkpoints import add_checkpoint
from ingest.datasets import add_dataset
from ingest.sources.causal import windows
from registry.errors import EmbeddingMismatch, InputError, UsageError
from registry.handle import Registry
from registry.items import Items
from registry.keys import content_key
from registry.tables import Benchmark, Checkpoint, Dataset, Run, Score
from tests.ingest.conftest import END_OF_TEXT

TEXTS = ["red", "a bird", "naïve: 猫", "x" * 9]


def dataset(registry: Registry, texts: list[str] = TEXTS, name: str = "words") -> int:
    ids = [f"i{number}" for number in range(len(texts))]
    return add_dataset(registry, name, Items(ids, texts=[[text] for text in texts])).dataset_id


def defined(folder: Path, texts: list[str]) -> float:
    """The definition, letter by letter: one text at a time, one token at a time."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    nats, byte_count = 0.0, 0
    for text in texts:
        tokens = [tokenizer.eos_token_id, *tokenizer(text)["input_ids"]]
        for position in range(1, len(tokens)):
            with torch.inference_mode():
                logits = model(torch.tensor([tokens[:position]])).logits[0, -1].double()
            nats -= torch.log_softmax(logits, 0)[tokens[position]].item()
        byte_count += len(text.encode("utf-8"))
    return nats / math.log(2) / byte_count


def test_a_ratio_of_sums_is_no_mean_of_ratios() -> None:
    ratio = corpus_ratio([2 * math.log(2), 2 * math.log(2)], [1, 3])
    assert ratio.value == pytest.approx(1.0)  # 4 bits over 4 bytes; the mean of 2 and 2/3 would be 1.33
    assert ratio.byte_count == 4


def test_the_standard_error_is_that_of_a_ratio() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(5, 40, 400)
    nats = lengths * generator.normal(1.5, 0.3, 400)
    draws = []
    for _ in range(800):
        chosen = generator.integers(0, 400, 400)
        draws.append(nats[chosen].sum() / math.log(2) / lengths[chosen].sum())
    stderr = corpus_ratio(list(nats), [int(length) for length in lengths]).stderr
    assert stderr == pytest.approx(np.std(draws), rel=0.1)  # a bootstrap of 800 is good to 2.5 %


@pytest.mark.parametrize(("nats", "lengths"), [([], []), ([1.0], [0]), ([1.0], [1, 2])])
def test_a_corpus_without_bytes_has_no_ratio(nats: list[float], lengths: list[int]) -> None:
    with pytest.raises(ValueError, match="at least a byte"):
        corpus_ratio(nats, lengths)


def test_a_model_whose_answer_is_known_by_hand(
    sqlite_registry: Registry, tmp_path: Path, neox_folder: Path
) -> None:
    folder = tmp_path / "uniform"
    shutil.copytree(neox_folder, folder)
    model = transformers.GPTNeoXForCausalLM.from_pretrained(folder)
    torch.nn.init.zeros_(
        model.get_output_embeddings().weight
    )  # all logits 0: every token costs log2(257) bits
    model.save_pretrained(folder)
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{folder}").checkpoint_id
    scored = measure_bits_per_byte(sqlite_registry, checkpoint_id, dataset(sqlite_registry))
    assert scored.value == pytest.approx(math.log2(257), abs=1e-6)  # byte level: a token is a byte


@pytest.mark.parametrize("batch_size", [1, 3, 16])
def test_the_measure_equals_its_definition_whatever_the_padding(
    sqlite_registry: Registry, neox_folder: Path, batch_size: int
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    scored = measure_bits_per_byte(
        sqlite_registry, checkpoint_id, dataset(sqlite_registry), batch_size=batch_size
    )
    assert scored.value == pytest.approx(defined(neox_folder, TEXTS), abs=2e-6)


def test_the_score_says_how_it_was_measured(registry: Registry, neox_folder: Path) -> None:
    checkpoint_id = add_checkpoint(registry, f"path:{neox_folder}").checkpoint_id
    dataset_id = dataset(registry)
    first = measure_bits_per_byte(registry, checkpoint_id, dataset_id)
    second = measure_bits_per_byte(registry, checkpoint_id, dataset_id)
    assert (first.outcome, second.outcome) == ("added", "unchanged")
    assert (second.score_id, second.value) == (first.score_id, first.value)
    with registry.read() as session:
        benchmark = session.scalars(select(Benchmark)).one()
        score = session.scalars(select(Score)).one()
        run = session.scalars(select(Run)).one()
    assert (benchmark.suite, benchmark.task, benchmark.metric) == ("bits-per-byte", "words", "bits_per_byte")
    assert (benchmark.higher_is_better, benchmark.low, benchmark.high) == (False, 0.0, None)
    assert (score.checkpoint_id, score.item_count, score.run_id) == (checkpoint_id, 4, run.id)
    byte_count = sum(len(text.encode()) for text in TEXTS)
    assert (score.details["bytes"], score.details["documents"]) == (byte_count, 4)
    assert (score.details["tokens"], score.details["context"]) == (byte_count, 64)
    assert score.details["first_token"] == f"predicted from eos ({END_OF_TEXT})"
    assert len(score.details["corpus_sha256"]) == 64


def test_a_score_keeps_the_identity_that_it_has_had_since_schema_0005(
    sqlite_registry: Registry, neox_folder: Path
) -> None:
    """Spelled out: with another key, every zoo would measure its bits per byte again."""
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    dataset_id = dataset(sqlite_registry)
    measure_bits_per_byte(sqlite_registry, checkpoint_id, dataset_id, context=32)
    with sqlite_registry.read() as session:
        checkpoint, words = session.get_one(Checkpoint, checkpoint_id), session.get_one(Dataset, dataset_id)
        score = session.scalars(select(Score)).one()
    identity = {
        "checkpoint": checkpoint.content_key,
        "benchmark": ["bits-per-byte", "words", "bits_per_byte", words.revision],
        "protocol": "each text alone, corpus ratio",
        "caption_index": 0,
        "context": 32,
        "source": "own evaluation",
    }
    assert score.content_key == content_key("score", identity)


def test_a_long_text_is_scored_in_windows(sqlite_registry: Registry, neox_folder: Path) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    dataset_id = dataset(sqlite_registry, ["cat " * 60, "dog"])
    long = measure_bits_per_byte(sqlite_registry, checkpoint_id, dataset_id)
    short = measure_bits_per_byte(sqlite_registry, checkpoint_id, dataset_id, context=2)
    assert short.score_id != long.score_id
    with sqlite_registry.read() as session:
        details = [score.details for score in session.scalars(select(Score).order_by(Score.id))]
    assert [(entry["tokens"], entry["context"], entry["stride"]) for entry in details] == [
        (243, 64, 63),
        (243, 2, 1),
    ]


@pytest.mark.parametrize("context", [2, 3, 7, 100])
def test_windows_predict_every_token_but_the_first_once(context: int) -> None:
    for length in range(1, 20):
        tokens = list(range(length))
        found = windows(tokens, 0, context)
        assert all(len(window.tokens) <= context for window in found)
        assert [token for window in found for token in window.tokens[1:]] == tokens[1:]


def test_a_tokenizer_without_beginning_or_end_pays_for_the_first_token(
    sqlite_registry: Registry, tmp_path: Path, neox_folder: Path
) -> None:
    folder = tmp_path / "bare"
    shutil.copytree(neox_folder, folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.eos_token = None
    tokenizer.save_pretrained(folder)
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{folder}").checkpoint_id
    scored = measure_bits_per_byte(sqlite_registry, checkpoint_id, dataset(sqlite_registry, ["a", "b"]))
    assert scored.value == pytest.approx(math.log2(257))


def test_an_untrained_twin_is_measured_like_any_model(sqlite_registry: Registry, neox_folder: Path) -> None:
    twin = add_checkpoint(sqlite_registry, "baseline:untrained", like=f"path:{neox_folder}", seed=1)
    scored = measure_bits_per_byte(sqlite_registry, twin.checkpoint_id, dataset(sqlite_registry))
    assert 7.5 < scored.value < 9


def test_what_predicts_no_token_has_no_bits_per_byte(
    sqlite_registry: Registry, bert_folder: Path, vit_file: Path, neox_folder: Path, items: Items
) -> None:
    dataset_id = dataset(sqlite_registry)
    for reference, like in (
        (f"path:{bert_folder}", None),
        (f"path:{vit_file}", "timm:test_vit"),
        ("baseline:tf-idf", None),
    ):
        checkpoint_id = add_checkpoint(sqlite_registry, reference, like=like).checkpoint_id
        with pytest.raises(UsageError, match="is no causal language model"):
            measure_bits_per_byte(sqlite_registry, checkpoint_id, dataset_id)
    causal = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    pictures = add_dataset(sqlite_registry, "pictures", Items(items.ids, images=items.images)).dataset_id
    with pytest.raises(EmbeddingMismatch, match="pictures has none"):
        measure_bits_per_byte(sqlite_registry, causal, pictures)
    with pytest.raises(UsageError, match="not every item of words has a caption 1"):
        measure_bits_per_byte(sqlite_registry, causal, dataset_id, caption_index=1)
    with pytest.raises(UsageError, match="a context of 1 tokens"):
        measure_bits_per_byte(sqlite_registry, causal, dataset_id, context=1)
    with sqlite_registry.read() as session:
        assert session.scalars(select(Score)).all() == []


def test_letters_that_the_tokenizer_drops_are_refused(
    sqlite_registry: Registry, tmp_path: Path, bert_folder: Path
) -> None:
    folder = tmp_path / "decoder"
    config = transformers.BertConfig.from_pretrained(bert_folder, is_decoder=True)
    transformers.BertLMHeadModel(config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(bert_folder).save_pretrained(folder)
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{folder}").checkpoint_id
    with pytest.raises(InputError, match="text 1 has letters unknown to the tokenizer"):
        measure_bits_per_byte(sqlite_registry, checkpoint_id, dataset(sqlite_registry, ["red cat", "zebra"]))
