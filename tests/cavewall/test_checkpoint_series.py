"""A whole training run with one command, and what is left out of it with the reason."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from registry.handle import Registry
from registry.listings import list_checkpoints
from tests.cavewall.conftest import Call

STEPS = (0, 1000, 2000, 16000)


@pytest.fixture
def run(zoo: Registry) -> Path:
    """A run of four steps and a file without one, in the zoo's folder, which is the working directory."""
    assert zoo.settings.folder is not None
    folder = zoo.settings.folder / "runs" / "r8"
    folder.mkdir(parents=True)
    for number, word in enumerate((*STEPS, "final")):
        save_file({"w": np.full((2, 2), number, np.float32)}, folder / f"step_{word}.safetensors")
    return folder


def steps_of(registry: Registry) -> list[tuple[str | None, int | None]]:
    with registry.read() as session:
        return [(line.series, line.step) for line in list_checkpoints(session)]


@pytest.mark.usefixtures("run")
def test_a_series_is_one_line_and_the_same_again_adds_nothing(call: Call, zoo: Registry) -> None:
    words = (
        "checkpoint",
        "add",
        "--series",
        "r8",
        "path:./runs/r8/step_*.safetensors",
        "--step-from",
        "name",
    )
    result = call(*words)
    assert result.exit_code == 0, result.stderr
    assert result.stdout == (
        "added  series r8: 4 checkpoints, steps 0 … 16000   (1 file skipped, use -v to see why)\n"
    )
    assert steps_of(zoo) == [("r8", step) for step in STEPS]
    again = call(*words, "-v")
    lines = again.stdout.splitlines()
    assert lines[0] == "unchanged  series r8: 4 checkpoints, steps 0 … 16000   (1 file skipped)"
    assert "('step_final' has no step in its name)" in lines[-1]
    assert len(steps_of(zoo)) == 4


def test_new_points_join_and_the_known_ones_are_counted(call: Call, zoo: Registry, run: Path) -> None:
    call("checkpoint", "add", "--series", "r8", "path:runs/r8/step_{0,1000}.safetensors")
    result = call(
        "checkpoint", "add", "--series", "r8", "path:runs/r8/step_?*000.safetensors", "--format", "json"
    )
    data = json.loads(result.stdout)["data"]
    assert data["counts"] == {"added": 2, "unchanged": 1}
    assert [line["step"] for line in data["lines"]] == [1000, 2000, 16000]
    shutil.copy(run / "step_0.safetensors", run / "step_20000.safetensors")
    text = call("checkpoint", "add", "--series", "r8", "path:runs/r8/step_*0.safetensors").stdout
    assert text.startswith("added  series r8: 1 checkpoint, step 20000   (4 unchanged)")
    assert "(same bytes as r8-step0; " in text


def test_a_second_series_with_the_same_start_is_told_who_has_it(call: Call, zoo: Registry, run: Path) -> None:
    other = run.parent / "r9"
    other.mkdir()
    shutil.copy(run / "step_0.safetensors", other)
    save_file({"w": np.full((2, 2), 77, np.float32)}, other / "step_5.safetensors")
    call("checkpoint", "add", "--series", "r8", "path:runs/r8/*.safetensors")
    result = call("checkpoint", "add", "--series", "r9", "path:runs/r9/*.safetensors")
    assert result.exit_code == 3
    assert "added  series r9: 1 checkpoint, step 5   (1 failed)" in result.stdout
    assert "the same weights at step 0 are registered as r8-step0, in the series r8, not r9" in result.stdout
    assert ("r9", 5) in steps_of(zoo)


@pytest.mark.usefixtures("run")
def test_steps_can_be_listed_in_the_order_of_the_files(call: Call, zoo: Registry) -> None:
    pattern = "path:runs/r8/step_?*000.safetensors"
    result = call("checkpoint", "add", "--series", "x", pattern, "--steps", "1,2..3")
    assert result.exit_code == 0, result.stderr
    assert steps_of(zoo) == [("x", 1), ("x", 2), ("x", 3)]


@pytest.mark.usefixtures("run")
@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (
            ("--series", "x", "path:runs/r8/*.safetensors", "--steps", "1,2"),
            2,
            "--steps has 2 steps, the ref",
        ),
        (("--series", "x", "path:runs/r8/*.safetensors", "--steps", "a"), 2, "'a' is no step"),
        (
            ("--series", "x", "path:runs/r8/*.safetensors", "--step", "1"),
            2,
            "--step belongs to one checkpoint",
        ),
        (("--series", "x", "path:runs/r8/*0.safetensors", "--step", "1", "--steps", "1"), 2, "both say what"),
        (("path:runs/r8/*.safetensors", "--step-from", "name"), 2, "--step-from needs --series"),
        (
            ("--series", "x", "path:runs/r8/step_final.safetensors"),
            2,
            "series x needs its step: 'step_final'",
        ),
        (("--series", "x", "baseline:pixels", "baseline:tf-idf"), 1, "none of 2 names has a step"),
        (("path:runs/r9/*",), 1, "no file matches path:runs/r9/*"),
        (("hf:a/b@step{1..",), 2, "do not close"),
        (("hf:a/b@step{0..100000}",), 2, "stands for 100,001 names"),
    ],
)
def test_what_means_nothing_is_one_sentence_and_writes_nothing(
    call: Call, zoo: Registry, words: tuple[str, ...], code: int, sentence: str
) -> None:
    result = call("checkpoint", "add", *words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 2
    assert steps_of(zoo) == []


def test_more_than_a_hundred_new_ones_need_an_answer(call: Call, zoo: Registry) -> None:
    pattern = "baseline:pixels:{1..101}"
    refused = call("checkpoint", "add", pattern)
    assert refused.exit_code == 2
    assert "Register 101 checkpoints?" in refused.stderr
    assert "--yes" in refused.stderr
    assert steps_of(zoo) == []
    assert "added 101" in call("checkpoint", "add", pattern, "--dry-run").stdout
    assert call("checkpoint", "add", pattern, "--yes").exit_code == 0
    assert call("checkpoint", "add", pattern).stdout.splitlines()[-1] == "unchanged 101"


def test_a_list_on_stdin_takes_patterns_tags_and_bad_lines(call: Call, zoo: Registry) -> None:
    lines = "baseline:pixels:{8,16}\nbaseline:tf-idf  # words\nbaseline:{x\npath:no/*.pt\n"
    result = call("checkpoint", "add", "-", "--tag", "vtab78", stdin=lines)
    assert result.exit_code == 3
    assert result.stdout.splitlines()[-1] == "added 3, failed 2"
    assert "failed  line 3  baseline:{x" in result.stdout
    assert "failed  line 4  path:no/*.pt   no file matches" in result.stdout
    with zoo.read() as session:
        assert [line.tags for line in list_checkpoints(session)] == [["vtab78"]] * 3
