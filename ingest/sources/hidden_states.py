"""The hidden states of a language model on texts."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ingest.architectures import Blueprint
from ingest.extraction import Rule, prompted
from ingest.pooling import first_token, last_token, masked_max, masked_mean
from ingest.sources.answers import Answer, Running, dtype_of, versions_of
from ingest.sources.running import Work, how_computed, run
from ingest.sources.spreading import place
from ingest.sources.transformers_models import encoder_of, load_model, load_tokenizer, longest_input
from registry.errors import InputError, UsageError

DEFAULT_BATCH_SIZE = 32
GPU_BATCH_SIZE = 128  # tried first, halved where it does not fit
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")
NOTE = "last layer is after the final norm"

Pool = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
_POOLS: dict[str, Pool] = {"mean": masked_mean, "max": masked_max, "cls": first_token, "last": last_token}
_POOLING_TEXTS = {
    "mean": "mean over the tokens that are no padding",
    "max": "largest value over the tokens that are no padding",
    "cls": "class token",
    "last": "last token that is no padding",
}


@dataclass(frozen=True)
class Padding:
    """How texts of a batch are brought to one length."""

    token_id: int
    token: str
    side: str


def padding_of(tokenizer: Any, side: str) -> Padding:
    """Return the padding of a tokenizer: its own token, else that for the end, the beginning or the unknown.

    The mask hides whatever stands there; 0 is the last resort.

    Args:
        tokenizer: of transformers.
        side: `own`, `left` or `right`.
    """
    chosen = str(tokenizer.padding_side) if side == "own" else side
    for kind in ("pad", "eos", "bos", "unk"):
        token_id = getattr(tokenizer, f"{kind}_token_id", None)
        if token_id is not None:
            return Padding(int(token_id), f"{kind}: {getattr(tokenizer, f'{kind}_token')}", chosen)
    return Padding(0, "id 0: the tokenizer names no token", chosen)


def pad(token_ids: Sequence[Sequence[int]], padding: Padding) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the ids and the mask of a batch, both `(b, t)`; the mask is 1 on tokens."""
    longest = max(len(ids) for ids in token_ids)
    rows, masks = [], []
    for ids in token_ids:
        gap = longest - len(ids)
        filler, hidden = [padding.token_id] * gap, [0] * gap
        shown = [1] * len(ids)
        rows.append([*filler, *ids] if padding.side == "left" else [*ids, *filler])
        masks.append([*hidden, *shown] if padding.side == "left" else [*shown, *hidden])
    return torch.tensor(rows), torch.tensor(masks)


def tokenise(
    tokenizer: Any, texts: Sequence[str], *, special: bool, longest: int
) -> tuple[list[list[int]], int]:
    """Return the token ids of every text, cut to a length, and how many texts were cut."""
    whole = tokenizer(list(texts), add_special_tokens=special, verbose=False)["input_ids"]
    cut_count = sum(len(ids) > longest for ids in whole)
    if cut_count:
        whole = tokenizer(list(texts), add_special_tokens=special, truncation=True, max_length=longest)[
            "input_ids"
        ]
    return [list(ids) for ids in whole], cut_count


def extract(
    blueprint: Blueprint,
    name: str,
    texts: Sequence[str],
    ids: Sequence[str],
    rule: Rule,
    running: Running,
) -> Answer:
    """Return every hidden state of a model on every text, pooled over the tokens that are no padding.

    Args:
        blueprint: the network; of a model of texts and pictures, its text tower.
        name: what the user calls the checkpoint.
        texts: one per item, in the order of the data set.
        ids: of the items, for sentences.
        rule: the extraction.
        running: where, and in which batches.

    Raises:
        UsageError: the rule pools a class token that the tokenizer does not put first.
        InputError: the model cannot be loaded, or a text has no token.
    """
    tokenizer = load_tokenizer(blueprint, name)
    model = text_encoder_of(load_model(blueprint, name))
    device = place(model, running.device, dtype_of(rule), name=name)
    own_longest = longest_input(model, tokenizer) - reserved_positions(model)
    longest = own_longest if rule.maximum_tokens == "own" else min(int(str(rule.maximum_tokens)), own_longest)
    padding = padding_of(tokenizer, str(rule.padding_side))
    shown = [prompted(rule, text) for text in texts]
    token_ids, cut_count = tokenise(tokenizer, shown, special=rule.special_tokens == "own", longest=longest)
    _require_tokens(token_ids, ids, name)
    if rule.pooling == "cls":
        _require_class_token(tokenizer, token_ids, name)
    pool = _POOLS[rule.pooling]

    def compute(batch: list[list[int]]) -> dict[str, torch.Tensor]:
        return _pooled_states(model, batch, padding, device, pool)

    def feed(parts: Sequence[slice]) -> Iterator[list[list[int]]]:
        return (token_ids[part] for part in parts)

    def weight(part: slice) -> int:
        batch = token_ids[part]
        return len(batch) * max(len(tokens) for tokens in batch)

    def heaviest(parts: Sequence[slice]) -> slice:
        return max(parts, key=weight)

    work = Work(name, len(token_ids), feed, compute, heaviest)
    done = run(work, running, DEFAULT_BATCH_SIZE if running.device == "cpu" else GPU_BATCH_SIZE)
    resolved = {
        "pooling": _POOLING_TEXTS[rule.pooling],
        "prompt": rule.prompt or "none",
        "tokenizer_revision": type(tokenizer).__name__,
        "special_tokens": "added as the tokenizer does" if rule.special_tokens == "own" else "none",
        "padding_side": padding.side,
        "padding_token": padding.token,
        "maximum_tokens": longest,
        "texts_cut": cut_count,
        "tokens": sum(map(len, token_ids)),
        **how_computed(rule, running, done),
        "note": NOTE,
    }
    return Answer(done.layers, resolved, versions_of(*LIBRARIES), done.batch_size)


def text_encoder_of(model: Any) -> Any:
    """Return the part of a network that reads texts: no head, no decoder, and of two towers the text's."""
    encoder = encoder_of(model)
    return getattr(encoder, "text_model", encoder)


def reserved_positions(model: Any) -> int:
    """Return how many positions no token ever gets: RoBERTa begins to count after its padding."""
    index = _padding_position(model)
    return 0 if index is None else index + 1


def _padding_position(model: Any) -> int | None:
    embeddings = getattr(model, "embeddings", None)
    index = getattr(getattr(embeddings, "position_embeddings", None), "padding_idx", None)
    return index if isinstance(index, int) else None


def _require_class_token(tokenizer: Any, token_ids: list[list[int]], name: str) -> None:
    class_id = getattr(tokenizer, "cls_token_id", None)
    if class_id is None or any(tokens[0] != class_id for tokens in token_ids):
        raise UsageError(
            f"{name}: its tokenizer puts no class token before a text",
            hint="use pooling=mean, pooling=last or pooling=max",
        )


def _require_tokens(token_ids: list[list[int]], ids: Sequence[str], name: str) -> None:
    for item_id, tokens in zip(ids, token_ids, strict=True):
        if not tokens:
            raise InputError(
                f"{name}: the text of item '{item_id}' has no token",
                hint="leave the item out, or give it a text",
            )


def _pooled_states(
    model: Any, token_ids: list[list[int]], padding: Padding, device: str, pool: Pool
) -> dict[str, torch.Tensor]:
    inputs, mask = (tensor.to(device) for tensor in pad(token_ids, padding))
    extra: dict[str, Any] = {}
    takes_positions = "position_ids" in inspect.signature(model.forward).parameters
    if padding.side == "left" and takes_positions and _padding_position(model) is None:
        extra["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
    answer = model(input_ids=inputs, attention_mask=mask, output_hidden_states=True, **extra)
    states = answer.hidden_states
    if states is None:
        raise InputError(
            f"{type(model).__name__} gives no hidden states for texts", hint="import its embeddings instead"
        )
    return {f"hidden_states.{depth}": pool(state.float(), mask) for depth, state in enumerate(states)}
