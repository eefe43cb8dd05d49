import json
from pathlib import Path

import pytest

from cavewall.demo.training import DEMO_RECIPE, Recipe, train
from registry.errors import ConflictError
from registry.keys import sha256_of_file

SHORT = Recipe(width=8, layer_count=1, window=16, batch_size=4, saved_steps=(0, 2, 3))
TEXTS = ["grinning face", "latin small letter a", "piñata", "box drawings light horizontal"] * 4


def digests(folder: Path) -> list[str]:
    return [sha256_of_file(folder / f"step_{step}" / "model.safetensors") for step in SHORT.saved_steps]


def untouched(folder: Path) -> list[int]:
    return sorted(path.stat().st_mtime_ns for path in folder.rglob("*"))


class Interruption(Exception):
    """Stands for whatever ends a training run early."""


def test_texts_shorter_than_a_window_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the texts have 5 tokens, a window 16"):
        train(["abc"], tmp_path, recipe=SHORT)


@pytest.mark.slow
def test_checkpoints_are_told_of_while_the_training_goes_on(tmp_path: Path) -> None:
    told = []

    def on_checkpoint(folder: Path, step: int, tokens_seen: int) -> None:
        told.append((folder, step, tokens_seen, sorted(path.name for path in tmp_path.iterdir())))

    saved = train(TEXTS, tmp_path, recipe=SHORT, on_checkpoint=on_checkpoint)
    assert told == [
        (tmp_path / "step_0", 0, 0, ["step_0"]),
        (tmp_path / "step_2", 2, 128, ["step_0", "step_2"]),
        (tmp_path / "step_3", 3, 192, ["step_0", "step_2", "step_3"]),
    ]
    assert [(point.folder, point.step, point.tokens_seen) for point in saved] == [entry[:3] for entry in told]
    assert len(set(digests(tmp_path))) == 3


@pytest.mark.slow
def test_the_same_recipe_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    import torch

    runs = {"a": SHORT, "b": SHORT, "c": Recipe(**{**vars(SHORT), "seed": 1})}
    for seed, (name, recipe) in enumerate(runs.items()):
        torch.manual_seed(seed)  # what the caller drew before must not matter
        train(TEXTS, tmp_path / name, recipe=recipe)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    assert not set(digests(tmp_path / "a")) & set(digests(tmp_path / "c"))


@pytest.mark.slow
def test_the_callers_random_numbers_and_threads_are_left_alone(tmp_path: Path) -> None:
    import torch

    state = torch.get_rng_state()
    torch.set_num_threads(2)
    train(TEXTS, tmp_path, recipe=SHORT)
    assert torch.get_num_threads() == 2
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.slow
def test_a_finished_run_is_told_again_and_not_repeated(tmp_path: Path) -> None:
    train(TEXTS, tmp_path, recipe=SHORT)
    before = untouched(tmp_path)
    steps: list[int] = []
    train(TEXTS, tmp_path, recipe=SHORT, on_checkpoint=lambda _folder, step, _seen: steps.append(step))
    assert steps == [0, 2, 3]
    assert untouched(tmp_path) == before


@pytest.mark.slow
def test_an_interrupted_run_ends_like_one_that_was_not(tmp_path: Path) -> None:
    def interrupt(_folder: Path, step: int, _tokens_seen: int) -> None:
        if step == 2:
            raise Interruption

    with pytest.raises(Interruption):
        train(TEXTS, tmp_path / "a", recipe=SHORT, on_checkpoint=interrupt)
    assert not (tmp_path / "a" / "step_3").exists()
    train(TEXTS, tmp_path / "a", recipe=SHORT)
    train(TEXTS, tmp_path / "b", recipe=SHORT)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")


@pytest.mark.slow
def test_checkpoints_of_two_runs_are_never_mixed(tmp_path: Path) -> None:
    train(TEXTS, tmp_path, recipe=Recipe(**{**vars(SHORT), "saved_steps": (0,)}))
    with pytest.raises(ConflictError, match="step_0 holds something else"):
        train(TEXTS, tmp_path, recipe=Recipe(**{**vars(SHORT), "seed": 1}))
    assert [path.name for path in tmp_path.iterdir()] == ["step_0"]


@pytest.mark.slow
def test_a_checkpoint_is_a_hugging_face_folder(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer

    recipe = Recipe(**{**vars(DEMO_RECIPE), "saved_steps": (0,)})
    folder = train(TEXTS * 2, tmp_path, recipe=recipe)[0].folder
    batch = AutoTokenizer.from_pretrained(folder)(["a cat", "piñata"], padding=True, return_tensors="pt")
    model, report = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
    assert not any(report.values())
    assert sum(tensor.numel() for tensor in model.parameters()) == 41_920
    with torch.inference_mode():
        states = AutoModel.from_pretrained(folder)(**batch, output_hidden_states=True).hidden_states
        logits = model.eval()(**batch).logits
    assert [tuple(state.shape) for state in states] == [(2, 7, 32)] * 3
    assert logits.shape == (2, 7, 257)
    assert logits.std() < 0.5  # untrained: close to one chance for all
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["GPTNeoXForCausalLM"]


@pytest.mark.slow
def test_it_learns_what_comes_next(tmp_path: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    recipe = Recipe(width=16, layer_count=1, window=32, batch_size=8, saved_steps=(0, 60), learning_rate=1e-2)
    saved = train(["abcd" * 50], tmp_path, recipe=recipe)
    tokens = AutoTokenizer.from_pretrained(saved[0].folder)("abcdabcd", return_tensors="pt")["input_ids"]
    chances = []
    for point in saved:
        model = AutoModelForCausalLM.from_pretrained(point.folder).eval()
        with torch.inference_mode():
            chances.append(model(tokens).logits[0, -1].softmax(dim=0)[ord("a")].item())
    assert chances[0] < 0.05
    assert chances[1] > 0.9
