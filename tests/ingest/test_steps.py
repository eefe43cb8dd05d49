"""A step is read where a name says it, and nowhere else."""

from __future__ import annotations

import pytest

from ingest.references import parse_reference
from ingest.steps import natural_order, step_of
from registry.errors import InputError


@pytest.mark.parametrize(
    ("reference", "step"),
    [
        ("path:runs/r8/step_2000.safetensors", 2000),
        ("path:runs/r8/step2000.pt", 2000),
        ("path:runs/r8/checkpoint-2000", 2000),
        ("path:runs/checkpoint-2000/model.safetensors", 2000),
        ("path:0002000.safetensors", 2000),
        ("path:epoch=3-step=2000.ckpt", 2000),
        ("path:global_step500/pytorch_model.bin", 500),
        ("path:iter_00000100.pth", 100),
        ("path:model-step_0.safetensors", 0),
        ("path:checkpoint-7-step-9.pt", 9),
        ("path:step_5-step_5.pt", 5),
        ("hf:EleutherAI/pythia-410m@step143000", 143000),
        ("hf:allenai/OLMo-1B@step20000-tokens84B", 20000),
        ("hf:allenai/OLMo-2@stage1-step1000-tokens5B", 1000),
    ],
)
def test_the_step_is_read_in_the_name(reference: str, step: int) -> None:
    assert step_of(parse_reference(reference)) == step


@pytest.mark.parametrize(
    ("reference", "sentence"),
    [
        ("path:runs/r8/step_final.safetensors", "'step_final' has no step in its name"),
        ("path:runs/r8/final.safetensors", "'final' has no step"),
        ("path:pythia-410m.safetensors", "'pythia-410m' has no step"),
        ("path:model_2000.safetensors", "'model_2000' has no step"),
        ("path:footstep5.pt", "'footstep5' has no step"),
        ("path:step2k.pt", "'step2k' has no step"),
        ("path:step_1.5.pt", "'step_1.5' has no step"),
        ("path:checkpoint-00001-of-00002.safetensors", "has no step"),
        ("path:step_1-step_2.pt", "more than one step in its name: 1, 2"),
        ("path:step" + "9" * 30 + ".pt", "has no step"),
        ("hf:EleutherAI/pythia-410m", "'main' has no step"),
        ("baseline:pixels", "baseline:pixels has no step"),
    ],
)
def test_what_is_absent_or_ambiguous_is_refused_with_the_reason(reference: str, sentence: str) -> None:
    with pytest.raises(InputError, match=sentence):
        step_of(parse_reference(reference))


def test_numbers_in_names_sort_by_value() -> None:
    names = ["step_10.pt", "step_9.pt", "a", "step_100.pt", "", "10"]
    assert sorted(names, key=natural_order) == ["", "a", "step_9.pt", "step_10.pt", "step_100.pt", "10"]
