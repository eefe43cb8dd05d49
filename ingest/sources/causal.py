"""What a causal language model pays for texts, in nats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from ingest.architectures import FolderArchitecture, blueprint_of
from ingest.references import BaselineReference, parse_reference
from ingest.sources.answers import batches, exact_inference, versions_of
from ingest.sources.hidden_states import LIBRARIES, Padding, pad, padding_of, tokenise
from ingest.sources.transformers_models import load_model, load_tokenizer, longest_input
from registry.errors import InputError, UsageError
from registry.tables import Checkpoint

DEFAULT_BATCH_SIZE = 16
TOKENS_AT_A_TIME = 8192  # of a batch of long windows: each token has as many logits as there are words
_CAUSAL_CLASSES = ("ForCausalLM", "LMHeadModel")
_UNBOUNDED = 2**31


@dataclass(frozen=True)
class Nats:
    """The negative log-likelihood of every text, in their order, and how it was measured."""

    nats: list[float]
    token_count: int
    context: int
    stride: int
    first_token: str
    libraries: Mapping[str, str]


@dataclass(frozen=True)
class Window:
    """A stretch of one text's tokens: from `first` on each is paid for, and predicted from all before it."""

    text: int
    tokens: list[int]
    first: int = 1


def windows(token_ids: Sequence[int], text: int, context: int, stride: int | None = None) -> list[Window]:
    """Return stretches of at most `context` tokens; every token but the very first is paid for in one.

    Window w begins at token `w * stride`. The first pays for all its tokens but the very first, which nothing
    predicts; each later one for its last `stride`, those that no window before it held. So the token at
    position p is predicted from `min(p, context - stride)` tokens or more, up to `context - 1`.

    Args:
        token_ids: of the text, with the token for the beginning if there is one.
        text: which text it is.
        context: tokens in a window.
        stride: tokens from one window to the next, 1 to `context - 1`; `context - 1` where it is None.
    """
    step = max(context - 1, 1) if stride is None else stride
    overlap = context - step  # what a later window holds and does not pay for
    last = max(len(token_ids) - overlap, 1)
    return [
        Window(text, list(token_ids[start : start + context]), first=1 if start == 0 else overlap)
        for start in range(0, last, step)
    ]


def window_nats(model: Any, batch: Sequence[Window], padding: Padding, device: str) -> list[float]:
    """Return the nats of every window of a batch; padding stands to the right, where no token sees it."""
    inputs, mask = (tensor.to(device) for tensor in pad([window.tokens for window in batch], padding))
    logits = (
        model(input_ids=inputs, attention_mask=mask, use_cache=False).logits[:, :-1].float()
    )  # (b, t - 1, v)
    logs = torch.log_softmax(logits, dim=-1).gather(2, inputs[:, 1:, None])[..., 0]  # (b, t - 1)
    positions = torch.arange(1, inputs.shape[1], device=mask.device)
    firsts = torch.tensor([window.first for window in batch], device=mask.device)
    counts = mask[:, 1:].bool() & (positions >= firsts[:, None])  # (b, t - 1)
    paid = torch.where(counts, -logs, torch.zeros_like(logs))
    return [float(value) for value in paid.double().sum(dim=1)]


def score_texts(
    checkpoint: Checkpoint,
    name: str,
    texts: Sequence[str],
    *,
    context: int | None,
    stride: int | None = None,
    device: str,
    batch_size: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Nats:
    """Return what a causal model pays for every text, each scored alone.

    Raises:
        UsageError: the checkpoint is no causal language model, or context or stride are out of range.
        InputError: a text has letters that the tokenizer does not know.
    """
    blueprint = _causal_blueprint(checkpoint, name)
    tokenizer = load_tokenizer(blueprint, name)
    model = load_model(blueprint, name)
    if not type(model).__name__.endswith(_CAUSAL_CLASSES):
        raise _not_causal(name, type(model).__name__)
    model = model.to(device)
    longest = min(context or _UNBOUNDED, longest_input(model, tokenizer))
    _require_range(name, longest, stride)
    token_ids, _ = tokenise(tokenizer, texts, special=False, longest=_UNBOUNDED)
    _require_known(tokenizer, token_ids, name)
    start, first_token = _start(tokenizer)
    padding = Padding(padding_of(tokenizer, "right").token_id, "", "right")
    uniform = (
        0.0
        if start is not None
        else float(torch.log(torch.tensor(model.config.vocab_size, dtype=torch.float64)))
    )
    nats = [uniform if tokens else 0.0 for tokens in token_ids]
    prefix = [] if start is None else [start]
    pending = [
        window
        for index, tokens in enumerate(token_ids)
        for window in windows([*prefix, *tokens], index, longest, stride)
    ]
    pending.sort(key=lambda window: len(window.tokens))
    size = batch_size or _batch_size(pending)
    with exact_inference():
        for part in batches(len(pending), size):
            batch = [window for window in pending[part] if len(window.tokens) > 1]
            for window, paid in zip(
                batch, window_nats(model, batch, padding, device) if batch else [], strict=True
            ):
                nats[window.text] += paid
            if progress is not None:
                progress(part.stop, len(pending))
    token_count = sum(map(len, token_ids))
    return Nats(nats, token_count, longest, stride or longest - 1, first_token, versions_of(*LIBRARIES))


def _require_range(name: str, longest: int, stride: int | None) -> None:
    if longest < 2:
        raise UsageError(f"a context of {longest} tokens predicts nothing", hint="use a context of 2 or more")
    if stride is not None and not 1 <= stride < longest:
        raise UsageError(
            f"{name}: a stride of {stride} tokens does not fit a context of {longest}",
            hint=f"use a stride from 1 to {longest - 1}: each window begins with a token of the one before",
        )


def _batch_size(sorted_windows: Sequence[Window]) -> int:
    longest = len(sorted_windows[-1].tokens) if sorted_windows else 1
    return max(1, min(DEFAULT_BATCH_SIZE, TOKENS_AT_A_TIME // max(longest, 1)))


def _causal_blueprint(checkpoint: Checkpoint, name: str) -> Any:
    reference = parse_reference(checkpoint.reference)
    if isinstance(reference, BaselineReference) and reference.kind != "untrained":
        raise _not_causal(name, checkpoint.architecture)
    blueprint = blueprint_of(checkpoint, name)
    if not isinstance(blueprint.architecture, FolderArchitecture):
        raise _not_causal(name, checkpoint.architecture)
    return blueprint


def _not_causal(name: str, kind: str) -> UsageError:
    return UsageError(
        f"{name} is no causal language model ({kind})",
        hint="bits per byte need a model that predicts the next token",
    )


def _start(tokenizer: Any) -> tuple[int | None, str]:
    for kind in ("bos", "eos"):
        token_id = getattr(tokenizer, f"{kind}_token_id", None)
        if token_id is not None:
            return int(token_id), f"predicted from {kind} ({getattr(tokenizer, f'{kind}_token')})"
    return None, "log(vocabulary): the tokenizer has no token for beginning or end"


def _require_known(tokenizer: Any, token_ids: Sequence[Sequence[int]], name: str) -> None:
    unknown = getattr(tokenizer, "unk_token_id", None)
    if unknown is None or unknown in (tokenizer.eos_token_id, tokenizer.bos_token_id):
        return
    for index, tokens in enumerate(token_ids):
        if unknown in tokens:
            raise InputError(
                f"{name}: text {index} has letters unknown to the tokenizer: bits per byte would be too low",
                hint="use a model with a byte-level tokenizer, or leave the text out",
            )
