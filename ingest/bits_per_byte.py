"""Bits per byte of a causal language model on a data set's texts or on a corpus, recorded as a score."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import select

from ingest.benchmarks import add_benchmark
from ingest.corpora import Corpus
from ingest.models_extra import require_models
from ingest.recording import find_pair
from ingest.score_sources import OWN, own_evaluation
from ingest.scores import Claim, put_score, require_true, score_key
from registry.errors import EmbeddingMismatch, NotFoundError, UsageError
from registry.handle import Registry
from registry.items import read_items
from registry.keys import canonical_json, sha256_of_bytes
from registry.lookup import current_name
from registry.runs import recorded_run
from registry.tables import Checkpoint, Dataset, Score

SUITE = "bits-per-byte"
METRIC = "bits_per_byte"
PROTOCOL = "each text alone, corpus ratio"
CORPUS_PROTOCOL = "each document alone, windows at a stride, corpus ratio"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Ratio:
    """Bits per byte of a corpus, with the standard error of a ratio over its documents."""

    value: float
    stderr: float
    byte_count: int


@dataclass(frozen=True)
class Scored:
    """What measuring bits per byte did."""

    score_id: int
    value: float
    outcome: Literal["added", "unchanged"]


@dataclass(frozen=True)
class _Task:
    """Texts to score, and the benchmark that they are; `facts` is what the score's details add."""

    name: str
    version: str
    protocol: str
    texts: Sequence[str]
    facts: Mapping[str, Any]
    context: int | None
    stride: int | None = None


def corpus_ratio(nats: Sequence[float], byte_counts: Sequence[int]) -> Ratio:
    """Return the bits per byte of a corpus: all nats, times log2 e, over all bytes.

    A ratio of sums, not a mean of ratios: a long text counts for its length. The standard error is that of a
    ratio estimator with documents as the units.

    Args:
        nats: the negative log-likelihood of each document.
        byte_counts: its length in UTF-8.

    Raises:
        ValueError: the lengths differ, or there is no byte.
    """
    if len(nats) != len(byte_counts) or not nats or min(byte_counts) < 1:
        raise ValueError("one length of at least a byte is needed for each document")
    total = sum(byte_counts)
    scale = 1 / math.log(2)
    value = math.fsum(nats) * scale / total
    count = len(nats)
    residuals = [(n * scale - value * b) ** 2 for n, b in zip(nats, byte_counts, strict=True)]
    stderr = math.sqrt(count / (count - 1) * math.fsum(residuals)) / total if count > 1 else 0.0
    return Ratio(value, stderr, total)


def measure_bits_per_byte(
    registry: Registry,
    checkpoint_id: int,
    dataset_id: int,
    *,
    caption_index: int = 0,
    context: int | None = None,
    device: str = "cpu",
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Scored:
    """Measure the bits per byte of a causal model on a data set's texts and record the score, once.

    Each text is scored alone. Its first token is predicted from the tokenizer's token for the beginning (or
    the end) of a text; a tokenizer that has neither pays log(vocabulary) for it. A text that is longer than
    the context is cut into windows, each of which begins with the last token of the one before.

    Args:
        registry: where.
        checkpoint_id: which checkpoint.
        dataset_id: whose texts.
        caption_index: which text of each item.
        context: tokens that the model sees at a time; its own where it is None.
        device: where to compute.
        batch_size: texts at a time; the result does not depend on it.
        progress: called with how many texts of how many are done.

    Raises:
        MissingExtra: the libraries that run models are not installed.
        UsageError: the checkpoint is no causal language model.
        EmbeddingMismatch: the data set has no texts.
    """
    require_models("measuring bits per byte")
    with registry.read() as session:
        checkpoint, dataset = find_pair(session, checkpoint_id, dataset_id)
        name = current_name(session, checkpoint_id)
        key = _score_key(checkpoint, dataset, caption_index, context)
        known = session.scalar(select(Score).where(Score.content_key == key))
    if known is not None:
        return Scored(known.id, known.value, "unchanged")
    task = _Task(
        name=dataset.name,
        version=dataset.revision,
        protocol=PROTOCOL,
        texts=_texts(registry, dataset, caption_index, name),
        facts={"caption_index": caption_index},
        context=context,
    )
    return _measure(registry, checkpoint, name, task, key, device, batch_size, progress)


def measure_on_corpus(
    registry: Registry,
    checkpoint_id: int,
    corpus: Corpus,
    *,
    context: int | None = None,
    stride: int | None = None,
    device: str = "cpu",
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Scored:
    """Measure the bits per byte of a causal model on a corpus and record the score, once.

    Each document is scored alone, as `measure_bits_per_byte` scores a text, in windows of `context` tokens
    that begin `stride` tokens apart: every token is paid for once, and predicted from at least
    `context - stride` tokens, or from all that its document has before it. The benchmark is the corpus'
    name, its version the beginning of the digest of what was scored.

    Args:
        registry: where.
        checkpoint_id: which checkpoint.
        corpus: its texts, the same bytes for every tokenizer.
        context: tokens that the model sees at a time; its own where it is None.
        stride: from one window to the next; `context - 1` where it is None.
        device: where to compute.
        batch_size: windows at a time; the result does not depend on it.
        progress: called with how many windows of how many are done.

    Raises:
        MissingExtra: the libraries that run models are not installed.
        UsageError: the checkpoint is no causal language model, or the stride does not fit the context.
        NotFoundError: the checkpoint is not registered.
        InputError: a document has letters that the tokenizer does not know.
    """
    require_models("measuring bits per byte")
    with registry.read() as session:
        checkpoint = session.get(Checkpoint, checkpoint_id)
        if checkpoint is None:
            raise NotFoundError(
                f"no checkpoint has the id {checkpoint_id}",
                hint="'cavewall checkpoint list' shows what is registered",
            )
        name = current_name(session, checkpoint_id)
        key = score_key(
            checkpoint,
            [SUITE, corpus.name, METRIC, corpus.version],
            protocol=CORPUS_PROTOCOL,
            source=OWN,
            corpus_sha256=corpus.digest,
            context=context,
            stride=stride,
        )
        known = session.scalar(select(Score).where(Score.content_key == key))
    if known is not None:
        return Scored(known.id, known.value, "unchanged")
    task = _Task(
        name=corpus.name,
        version=corpus.version,
        protocol=CORPUS_PROTOCOL,
        texts=corpus.documents,
        facts=corpus.origin,
        context=context,
        stride=stride,
    )
    return _measure(registry, checkpoint, name, task, key, device, batch_size, progress)


def _measure(
    registry: Registry,
    checkpoint: Checkpoint,
    name: str,
    task: _Task,
    key: str,
    device: str,
    batch_size: int | None,
    progress: Progress | None,
) -> Scored:
    from ingest.embedding import chosen_device
    from ingest.sources.causal import score_texts

    chosen = chosen_device(device)
    with recorded_run(registry, "score bits-per-byte", chosen) as run:
        answer = score_texts(
            checkpoint,
            name,
            task.texts,
            context=task.context,
            stride=task.stride,
            device=chosen,
            batch_size=batch_size,
            progress=progress,
        )
        ratio = corpus_ratio(answer.nats, [len(text.encode()) for text in task.texts])
        details = {
            "bytes": ratio.byte_count,
            "tokens": answer.token_count,
            "documents": len(task.texts),
            "corpus_sha256": sha256_of_bytes(canonical_json(list(task.texts)).encode()),
            **task.facts,
            "context": answer.context,
            "stride": answer.stride,
            "first_token": answer.first_token,
            "libraries": dict(answer.libraries),
        }
        claim = Claim(
            ratio.value,
            stderr=ratio.stderr if len(task.texts) > 1 else None,  # one document does not say how others vary
            item_count=len(task.texts),
            protocol=task.protocol,
            details=details,
        )
        with registry.write() as session:
            benchmark = add_benchmark(
                session, SUITE, task.name, METRIC, task.version, higher_is_better=False, low=0.0
            )
            source = own_evaluation(session)
            recorded = put_score(session, checkpoint, benchmark, source, claim, key=key, run_id=run.id)
        score_id = require_true(recorded, name, benchmark)
        run.counts["scores"] = 1
    return Scored(score_id, recorded.value, "added" if recorded.outcome == "added" else "unchanged")


def _texts(registry: Registry, dataset: Dataset, caption_index: int, name: str) -> list[str]:
    items = read_items(registry.store, dataset)
    if items.texts is None:
        raise EmbeddingMismatch(
            f"{name} reads texts, {dataset.name} has none", hint="choose another data set"
        )
    if caption_index < 0 or any(caption_index >= len(texts) for texts in items.texts):
        raise UsageError(
            f"not every item of {dataset.name} has a caption {caption_index}", hint="count captions from 0"
        )
    return [texts[caption_index] for texts in items.texts]


def _score_key(checkpoint: Checkpoint, dataset: Dataset, caption_index: int, context: int | None) -> str:
    return score_key(
        checkpoint,
        [SUITE, dataset.name, METRIC, dataset.revision],
        protocol=PROTOCOL,
        source=OWN,
        caption_index=caption_index,
        context=context,
    )
