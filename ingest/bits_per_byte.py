"""Bits per byte of a causal language model on a data set's texts, recorded as a score."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from ingest.benchmarks import add_benchmark
from ingest.models_extra import require_models
from ingest.recording import find_pair
from ingest.score_sources import OWN, own_evaluation
from ingest.scores import Claim, put_score, require_true, score_key
from registry.errors import EmbeddingMismatch, UsageError
from registry.handle import Registry
from registry.items import read_items
from registry.keys import canonical_json, sha256_of_bytes
from registry.lookup import current_name
from registry.runs import recorded_run
from registry.tables import Benchmark, Checkpoint, Dataset, Score

SUITE = "bits-per-byte"
METRIC = "bits_per_byte"
PROTOCOL = "each text alone, corpus ratio"


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
    progress: Callable[[int, int], None] | None = None,
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
    texts = _texts(registry, dataset, caption_index, name)
    from ingest.embedding import chosen_device
    from ingest.sources.causal import score_texts

    chosen = chosen_device(device)
    with recorded_run(registry, "score bits-per-byte", chosen) as run:
        answer = score_texts(
            checkpoint, name, texts, context=context, device=chosen, batch_size=batch_size, progress=progress
        )
        byte_counts = [len(text.encode()) for text in texts]
        ratio = corpus_ratio(answer.nats, byte_counts)
        details = {
            "bytes": ratio.byte_count,
            "tokens": answer.token_count,
            "documents": len(texts),
            "corpus_sha256": sha256_of_bytes(canonical_json(texts).encode()),
            "caption_index": caption_index,
            "context": answer.context,
            "stride": answer.context - 1,
            "first_token": answer.first_token,
            "libraries": dict(answer.libraries),
        }
        claim = Claim(
            ratio.value, stderr=ratio.stderr, item_count=len(texts), protocol=PROTOCOL, details=details
        )
        with registry.write() as session:
            benchmark, source = _benchmark(session, dataset), own_evaluation(session)
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


def _benchmark(session: Session, dataset: Dataset) -> Benchmark:
    return add_benchmark(
        session, SUITE, dataset.name, METRIC, dataset.revision, higher_is_better=False, low=0.0
    )
