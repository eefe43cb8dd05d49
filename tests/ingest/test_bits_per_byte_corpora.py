"""Bits per byte on a corpus against its definition: windows at a stride, the same bytes for everybody."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest
import torch
import transformers
from sqlalchemy import select
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from ingest.bits_per_byte import measure_on_corpus
from ingest.checkpoints import add_checkpoint
from ingest.corpora import Corpus, read_corpus
from ingest.sources.causal import windows
from registry.errors import InputError, NotFoundError, UsageError
from registry.handle import Registry
from registry.keys import canonical_json, sha256_of_bytes
from registry.tables import Benchmark, Run, Score
from tests.ingest.conftest import END_OF_TEXT, make_neox

DOCUMENTS = ["red cat, naïve: 猫", "x", "a bird sings in the old tree " * 2, "blue " * 30]
CLOSE = 2e-6  # bits per byte: float32 logits, summed in another order


def corpus_of(folder: Path, documents: list[str] = DOCUMENTS, **limits: int) -> Corpus:
    path = folder / "news.jsonl"
    path.write_text("\n".join(json.dumps({"text": text}) for text in documents), encoding="utf-8")
    return read_corpus(str(path), **limits)


def defined(folder: Path, documents: tuple[str, ...], context: int, stride: int) -> float:
    """The definition: each token once, from the first window that holds it, one forward pass a token."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    nats = 0.0
    for text in documents:
        tokens = [tokenizer.eos_token_id, *tokenizer(text)["input_ids"]]
        for position in range(1, len(tokens)):
            start = 0
            while start + context <= position:
                start += stride
            assert position - start >= min(position, context - stride)
            with torch.inference_mode():
                logits = model(torch.tensor([tokens[start:position]])).logits[0, -1].double()
            nats -= torch.log_softmax(logits, 0)[tokens[position]].item()
    return nats / math.log(2) / sum(len(text.encode()) for text in documents)


@pytest.mark.parametrize(("context", "stride"), [(64, None), (64, 32), (16, 5), (16, 1), (2, 1)])
def test_the_measure_equals_its_definition(
    sqlite_registry: Registry, tmp_path: Path, neox_folder: Path, context: int, stride: int | None
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    corpus = corpus_of(tmp_path)
    scored = measure_on_corpus(sqlite_registry, checkpoint_id, corpus, context=context, stride=stride)
    expected = defined(neox_folder, corpus.documents, context, stride or context - 1)
    assert scored.value == pytest.approx(expected, abs=CLOSE)


def test_padded_equals_unpadded(sqlite_registry: Registry, tmp_path: Path, neox_folder: Path) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    corpus = corpus_of(tmp_path)
    values = []
    for batch_size in (1, 3, 64):
        with sqlite_registry.write() as session:
            for row in session.scalars(select(Score)):
                session.delete(row)
        scored = measure_on_corpus(
            sqlite_registry, checkpoint_id, corpus, context=20, stride=7, batch_size=batch_size
        )
        assert scored.outcome == "added"
        values.append(scored.value)
    assert max(values) - min(values) < CLOSE


@pytest.mark.parametrize(("context", "stride"), [(2, 1), (5, 1), (5, 2), (5, 4), (9, 3)])
def test_windows_at_a_stride_pay_for_every_token_once(context: int, stride: int) -> None:
    for length in range(30):
        tokens = list(range(length))
        found = windows(tokens, 0, context, stride)
        assert [token for window in found for token in window.tokens[window.first :]] == tokens[1:]
        for window in found:
            assert len(window.tokens) <= context
            for place in range(window.first, len(window.tokens)):
                assert place >= min(window.tokens[place], context - stride)


@pytest.mark.parametrize("context", [2, 3, 7, 100])
def test_a_stride_of_a_context_less_one_is_what_data_sets_have_had(context: int) -> None:
    for length in range(25):
        tokens = list(range(length))
        plain = windows(tokens, 0, context)
        assert plain == windows(tokens, 0, context, context - 1)
        starts = range(0, max(length - 1, 1), context - 1)
        assert [window.tokens for window in plain] == [tokens[start : start + context] for start in starts]
        assert {window.first for window in plain} == {1}


def test_the_score_says_what_was_read_and_how(registry: Registry, tmp_path: Path, neox_folder: Path) -> None:
    checkpoint_id = add_checkpoint(registry, f"path:{neox_folder}").checkpoint_id
    corpus = corpus_of(tmp_path, byte_limit=60)
    first = measure_on_corpus(registry, checkpoint_id, corpus, context=16, stride=4)
    second = measure_on_corpus(registry, checkpoint_id, corpus, context=16, stride=4)
    assert (first.outcome, second.outcome, second.score_id) == ("added", "unchanged", first.score_id)
    with registry.read() as session:
        benchmark = session.scalars(select(Benchmark)).one()
        score = session.scalars(select(Score)).one()
        assert session.scalars(select(Run)).one().id == score.run_id
    assert (benchmark.suite, benchmark.task, benchmark.version) == ("bits-per-byte", "news", corpus.version)
    details = score.details
    assert (details["bytes"], details["tokens"], details["documents"]) == (60, 60, 3)
    assert (details["context"], details["stride"], details["byte_limit"]) == (16, 4, 60)
    assert details["corpus_sha256"] == corpus.digest
    assert corpus.digest == sha256_of_bytes(canonical_json(list(corpus.documents)).encode())
    assert details["corpus"].endswith("news.jsonl")
    assert score.stderr > 0


def test_another_text_stride_or_context_is_another_score(
    sqlite_registry: Registry, tmp_path: Path, neox_folder: Path
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    whole, part = corpus_of(tmp_path), corpus_of(tmp_path, document_limit=2)
    scores = [
        measure_on_corpus(sqlite_registry, checkpoint_id, whole, context=16, stride=8),
        measure_on_corpus(sqlite_registry, checkpoint_id, whole, context=16, stride=4),
        measure_on_corpus(sqlite_registry, checkpoint_id, whole, context=32, stride=8),
        measure_on_corpus(sqlite_registry, checkpoint_id, part, context=16, stride=8),
    ]
    assert len({score.score_id for score in scores}) == 4
    with sqlite_registry.read() as session:
        versions = session.scalars(select(Benchmark.version)).all()
    assert sorted(versions) == sorted({whole.version, part.version})


def test_one_document_has_no_standard_error(
    sqlite_registry: Registry, tmp_path: Path, neox_folder: Path
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    measure_on_corpus(sqlite_registry, checkpoint_id, corpus_of(tmp_path, ["only one"]))
    with sqlite_registry.read() as session:
        assert session.scalars(select(Score)).one().stderr is None


def merging_neox(folder: Path) -> Path:
    """A GPT-NeoX like the byte-level one, whose tokenizer joins bytes to longer tokens."""
    make_neox(folder, seed=2)
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=256,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())[:200],
        special_tokens=[END_OF_TEXT],
        show_progress=False,
    )
    backend.train_from_iterator(["a bird sings", "blue blue bird"] * 4, trainer)
    transformers.PreTrainedTokenizerFast(tokenizer_object=backend, eos_token=END_OF_TEXT).save_pretrained(
        folder
    )
    return folder


def test_every_tokenizer_gets_the_same_bytes(
    sqlite_registry: Registry, tmp_path: Path, neox_folder: Path
) -> None:
    corpus = corpus_of(tmp_path, ["a bird sings, blue blue bird"], byte_limit=20)
    for folder in (neox_folder, merging_neox(tmp_path / "merging")):
        checkpoint_id = add_checkpoint(sqlite_registry, f"path:{folder}").checkpoint_id
        measure_on_corpus(sqlite_registry, checkpoint_id, corpus)
    with sqlite_registry.read() as session:
        byte, merging = (row.details for row in session.scalars(select(Score).order_by(Score.id)))
    assert byte["bytes"] == merging["bytes"] == 20
    assert byte["corpus_sha256"] == merging["corpus_sha256"]
    assert merging["tokens"] < byte["tokens"] == 20


def test_a_tokenizer_that_drops_bytes_is_refused(
    sqlite_registry: Registry, tmp_path: Path, bert_folder: Path
) -> None:
    folder = tmp_path / "decoder"
    config = transformers.BertConfig.from_pretrained(bert_folder, is_decoder=True)
    transformers.BertLMHeadModel(config).save_pretrained(folder)
    transformers.AutoTokenizer.from_pretrained(bert_folder).save_pretrained(folder)
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{folder}").checkpoint_id
    with pytest.raises(InputError, match="text 1 has letters unknown to the tokenizer"):
        measure_on_corpus(sqlite_registry, checkpoint_id, corpus_of(tmp_path, ["red cat", "zebra"]))


@pytest.mark.parametrize("stride", [0, 16, 40])
def test_a_stride_that_leaves_no_context_is_refused(
    sqlite_registry: Registry, tmp_path: Path, neox_folder: Path, stride: int
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{neox_folder}").checkpoint_id
    with pytest.raises(UsageError, match=f"a stride of {stride} tokens does not fit a context of 16"):
        measure_on_corpus(
            sqlite_registry, checkpoint_id, corpus_of(tmp_path, ["red"]), context=16, stride=stride
        )
    with sqlite_registry.read() as session:
        assert session.scalars(select(Score)).all() == []


def test_a_checkpoint_that_is_not_registered_is_refused(sqlite_registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint has the id 77"):
        measure_on_corpus(sqlite_registry, 77, corpus_of(tmp_path, ["red"]))


def test_a_copy_of_the_weights_is_measured_once(
    sqlite_registry: Registry, tmp_path: Path, neox_folder: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(neox_folder, copy)
    corpus = corpus_of(tmp_path, ["red"])
    for folder, outcome in ((neox_folder, "added"), (copy, "unchanged")):
        checkpoint_id = add_checkpoint(sqlite_registry, f"path:{folder}").checkpoint_id
        assert measure_on_corpus(sqlite_registry, checkpoint_id, corpus).outcome == outcome
