"""A real run of transformers' `Trainer`: 50 steps of a tiny GPT-NeoX on bytes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, Trainer, TrainerCallback, TrainingArguments

from cavewall.demo.byte_tokenizer import END_OF_TEXT_ID, VOCABULARY_SIZE, byte_tokenizer

STEPS, WINDOW = 50, 16


class Windows(torch.utils.data.Dataset[dict[str, torch.Tensor]]):
    """Windows of bytes, the same in every run."""

    def __init__(self) -> None:
        generator = torch.Generator().manual_seed(3)
        self.rows = torch.randint(0, 200, (200, WINDOW), generator=generator)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        return {"input_ids": self.rows[index], "labels": self.rows[index]}


class Clock(TrainerCallback):
    """Measures each step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self._began = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self._began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.seconds.append(time.perf_counter() - self._began)


@dataclass(frozen=True)
class Trained:
    """How a run ended: its mean loss, its weights, and the seconds of each step."""

    loss: float
    weights: dict[str, torch.Tensor]
    seconds: list[float]

    def is_same_as(self, other: Trained) -> bool:
        """Return whether two runs ended the same, to the bit."""
        pairs = ((self.weights[name], other.weights[name]) for name in self.weights)
        return self.loss == other.loss and all(torch.equal(mine, theirs) for mine, theirs in pairs)


def tiny_network() -> GPTNeoXForCausalLM:
    torch.manual_seed(0)
    config = GPTNeoXConfig(
        architectures=["GPTNeoXForCausalLM"],
        vocab_size=VOCABULARY_SIZE,
        hidden_size=8,
        num_hidden_layers=2,
        num_attention_heads=1,
        intermediate_size=16,
        max_position_embeddings=WINDOW,
        bos_token_id=END_OF_TEXT_ID,
        eos_token_id=END_OF_TEXT_ID,
    )
    return GPTNeoXForCausalLM(config)


def train(folder: Path, *callbacks: TrainerCallback, steps: int = STEPS, **settings: Any) -> Trained:
    """Train, saving every 25 steps unless the settings say otherwise."""
    chosen = {"save_steps": 25, "logging_steps": 10, "per_device_train_batch_size": 4, "learning_rate": 1e-2}
    clock = Clock()
    network = tiny_network()
    trainer = Trainer(
        model=network,
        args=TrainingArguments(
            output_dir=str(folder),
            max_steps=steps,
            report_to=[],
            use_cpu=True,
            disable_tqdm=True,
            seed=0,
            **(chosen | settings),
        ),
        train_dataset=Windows(),
        processing_class=byte_tokenizer(longest=WINDOW),
        callbacks=[clock, *callbacks],
    )
    done = trainer.train()
    weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
    return Trained(done.training_loss, weights, clock.seconds)
