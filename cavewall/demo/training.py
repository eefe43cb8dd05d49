"""The demo's training run: a small language model, saved while it learns."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cavewall.demo.byte_tokenizer import END_OF_TEXT_ID, VOCABULARY_SIZE, byte_stream, byte_tokenizer
from cavewall.demo.placing import place

if TYPE_CHECKING:
    import torch
    from transformers import GPTNeoXForCausalLM

OnCheckpoint = Callable[[Path, int, int], None]
"""Called with the folder, the step and how many tokens were seen."""


@dataclass(frozen=True)
class Recipe:
    """Everything that decides what the training run becomes.

    The run ends with the last of the saved steps, which are in ascending order. The number of threads is part
    of the recipe: sums on two threads are rounded differently from sums on one.
    """

    width: int = 32
    layer_count: int = 2
    head_count: int = 1  # two heads take twice as long and predict no better
    window: int = 128
    batch_size: int = 32
    saved_steps: tuple[int, ...] = (0, 150, 600)
    learning_rate: float = 3e-3
    seed: int = 0
    thread_count: int = 1  # two are half again as fast alone, and many times slower beside another program


DEMO_RECIPE = Recipe()


@dataclass(frozen=True)
class SavedCheckpoint:
    """A Hugging Face folder of the training run, and how far the run had come."""

    folder: Path
    step: int
    tokens_seen: int


def train(
    texts: Sequence[str],
    folder: Path,
    *,
    recipe: Recipe = DEMO_RECIPE,
    on_checkpoint: OnCheckpoint | None = None,
) -> list[SavedCheckpoint]:
    """Train a byte-level GPT-NeoX and return the checkpoints that were saved on the way.

    Each lies in `folder/step_<step>`: the model, its configuration and its tokenizer. The same texts and
    recipe give the same bytes on the same machine. Where all checkpoints lie already, nothing is trained.

    Args:
        texts: what it learns, in this order, so that a window of training shows neighbours in the list.
        folder: where the checkpoints go.
        recipe: the model, the data it sees and how it learns from them.
        on_checkpoint: called as soon as a checkpoint is whole, while the training waits.

    Raises:
        ValueError: the texts are shorter than one window.
        ConflictError: a checkpoint of another run lies in the folder.
        StoreError: the folder cannot be written.
    """
    checkpoints = [
        SavedCheckpoint(folder / f"step_{step}", step, step * recipe.batch_size * recipe.window)
        for step in recipe.saved_steps
    ]
    models = None if all(point.folder.exists() for point in checkpoints) else _trained(texts, recipe)
    for checkpoint in checkpoints:
        if models is not None:
            place(checkpoint.folder, partial(_save, next(models)))
        if on_checkpoint is not None:
            on_checkpoint(checkpoint.folder, checkpoint.step, checkpoint.tokens_seen)
    return checkpoints


def _trained(texts: Sequence[str], recipe: Recipe) -> Iterator[GPTNeoXForCausalLM]:
    """Yield the one model as it is at each of the saved steps."""
    import torch

    stream = torch.tensor(byte_stream(texts))
    if len(stream) <= recipe.window:
        raise ValueError(f"the texts have {len(stream)} tokens, a window {recipe.window}")
    generator = torch.Generator().manual_seed(recipe.seed)
    model = _untrained(recipe)
    optimizer = torch.optim.AdamW(model.parameters(), lr=recipe.learning_rate)
    for step in range(recipe.saved_steps[-1] + 1):
        if step in recipe.saved_steps:
            yield model
        starts = torch.randint(len(stream) - recipe.window, (recipe.batch_size,), generator=generator)
        windows = stream[starts[:, None] + torch.arange(recipe.window + 1)]  # (batch, window + 1)
        with _threads(recipe.thread_count):
            loss = _loss(model, windows)
            optimizer.zero_grad()
            torch.autograd.backward(loss)
            optimizer.step()


def _untrained(recipe: Recipe) -> GPTNeoXForCausalLM:
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    config = GPTNeoXConfig(
        architectures=["GPTNeoXForCausalLM"],
        vocab_size=VOCABULARY_SIZE,
        hidden_size=recipe.width,
        num_hidden_layers=recipe.layer_count,
        num_attention_heads=recipe.head_count,
        intermediate_size=4 * recipe.width,
        max_position_embeddings=recipe.window,
        bos_token_id=END_OF_TEXT_ID,
        eos_token_id=END_OF_TEXT_ID,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        model: GPTNeoXForCausalLM = GPTNeoXForCausalLM(config).train()
    return model


def _loss(model: GPTNeoXForCausalLM, windows: torch.Tensor) -> torch.Tensor:
    """Return the mean nats per token of predicting each token of the windows but the first."""
    from torch.nn.functional import cross_entropy

    logits = model(windows[:, :-1], use_cache=False).logits  # (batch, window, vocabulary)
    return cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())


def _save(model: GPTNeoXForCausalLM, folder: Path) -> None:
    import safetensors.torch

    folder.mkdir()
    weights = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    (folder / "model.safetensors").write_bytes(safetensors.torch.save(weights, metadata={"format": "pt"}))
    model.config.save_pretrained(folder)
    byte_tokenizer(longest=model.config.max_position_embeddings).save_pretrained(folder)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Let torch work on so many threads for a while."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
