"""The hidden states of a language model on texts."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ingest.architectures import Blueprint
from ingest.extraction import Rule, prompted
from ingest.pooling import masked_mean
from ingest.sources.answers import Answer, LayerCollector, Progress, batches, exact_inference, versions_of
from ingest.sources.transformers_models import encoder_of, load_model, load_tokenizer, longest_input
from registry.errors import InputError

DEFAULT_BATCH_SIZE = 32
LIBRARIES = ("torch", "transformers", "tokenizers", "numpy")
NOTE = "last layer is after the final norm"


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
    *,
    device: str,
    batch_size: int | None = None,
    progress: Progress | None = None,
) -> Answer:
    """Return every hidden state of a model on every text, averaged over the tokens that are no padding.

    Args:
        blueprint: the network.
        name: what the user calls the checkpoint.
        texts: one per item, in the order of the data set.
        ids: of the items, for sentences.
        rule: the extraction.
        device: where to compute.
        batch_size: texts at a time.
        progress: called with how many items of how many are done.

    Raises:
        InputError: the model cannot be loaded, or a text has no token.
    """
    size = batch_size or DEFAULT_BATCH_SIZE
    tokenizer = load_tokenizer(blueprint, name)
    model = encoder_of(load_model(blueprint, name)).to(device)
    own_longest = longest_input(model, tokenizer)
    longest = own_longest if rule.maximum_tokens == "own" else min(int(str(rule.maximum_tokens)), own_longest)
    padding = padding_of(tokenizer, str(rule.padding_side))
    shown = [prompted(rule, text) for text in texts]
    token_ids, cut_count = tokenise(tokenizer, shown, special=rule.special_tokens == "own", longest=longest)
    _require_tokens(token_ids, ids, name)
    collector = LayerCollector()
    with exact_inference():
        for part in batches(len(token_ids), size):
            collector.add(_hidden_means(model, token_ids[part], padding, device))
            if progress is not None:
                progress(part.stop, len(token_ids))
    resolved = {
        "tokenizer_revision": type(tokenizer).__name__,
        "special_tokens": "added as the tokenizer does" if rule.special_tokens == "own" else "none",
        "padding_side": padding.side,
        "padding_token": padding.token,
        "maximum_tokens": longest,
        "texts_cut": cut_count,
        "tokens": sum(map(len, token_ids)),
        "note": NOTE,
    }
    return Answer(collector.layers(), resolved, versions_of(*LIBRARIES), size)


def _require_tokens(token_ids: list[list[int]], ids: Sequence[str], name: str) -> None:
    for item_id, tokens in zip(ids, token_ids, strict=True):
        if not tokens:
            raise InputError(
                f"{name}: the text of item '{item_id}' has no token",
                hint="leave the item out, or give it a text",
            )


def _hidden_means(
    model: Any, token_ids: list[list[int]], padding: Padding, device: str
) -> dict[str, torch.Tensor]:
    inputs, mask = (tensor.to(device) for tensor in pad(token_ids, padding))
    extra: dict[str, Any] = {}
    if padding.side == "left" and "position_ids" in inspect.signature(model.forward).parameters:
        extra["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)
    answer = model(input_ids=inputs, attention_mask=mask, output_hidden_states=True, **extra)
    states = answer.hidden_states
    if states is None:
        raise InputError(
            f"{type(model).__name__} gives no hidden states for texts", hint="import its embeddings instead"
        )
    return {f"hidden_states.{depth}": masked_mean(state, mask) for depth, state in enumerate(states)}
