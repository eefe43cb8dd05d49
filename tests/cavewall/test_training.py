from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import cavewall
from cavewall.background import LOG_NAME
from registry.handle import Registry
from registry.listings import list_checkpoints

pytest.importorskip("accelerate", reason="transformers' Trainer needs accelerate")
from cavewall.training import RegisterCheckpoints
from tests.cavewall.conftest import Call
from tests.cavewall.training_run import STEPS, Trained, train

CAVEWALL = str(Path(sys.executable).with_name("cavewall"))
ON_A_FULL_DISK = ["/bin/sh", "-c", 'ulimit -f 64; exec "$0" "$@"', CAVEWALL]  # no file may grow over 32 KiB


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """The run without the callback."""
    return train(tmp_path_factory.mktemp("undisturbed"))


def callback(zoo: Path | str, **options: Any) -> RegisterCheckpoints:
    chosen: dict[str, Any] = {"series": "r8", "timeout": 120.0} | options
    return RegisterCheckpoints(zoo, **chosen)


def points(registry: Registry) -> list[tuple[str | None, int | None]]:
    with registry.read() as session:
        return [(line.series, line.step) for line in list_checkpoints(session) if line.series]


def only_warning(caplog: pytest.LogCaptureFixture) -> str:
    (record,) = [one for one in caplog.records if one.name == "cavewall.training"]
    assert record.levelno == logging.WARNING
    return record.getMessage()


@pytest.mark.slow
def test_checkpoints_of_a_run_are_registered_with_their_steps(
    small_zoo: Registry, tmp_path: Path, undisturbed: Trained, caplog: pytest.LogCaptureFixture
) -> None:
    folder = small_zoo.settings.folder
    assert folder is not None
    url = "https://wandb.example/me/r8"
    done = train(tmp_path / "run", callback(folder, attributes={"lr": 1e-2}, source_url=url))
    assert done.is_same_as(undisturbed)
    assert points(small_zoo) == [("r8", 25), ("r8", STEPS)]
    assert not [record for record in caplog.records if record.name == "cavewall.training"]
    with cavewall.open(folder) as zoo:
        embedded = zoo.embed("r8@step=25", dataset="tiny", device="cpu")
        assert (embedded.outcome, embedded.layer_count) == ("added", 3)
        same = zoo.add(f"path:{tmp_path / 'run' / 'checkpoint-25'}", series="r8", step=25)
        assert same.outcome == "unchanged"
        from registry.lookup import find_checkpoint

        with zoo.registry.read() as session:
            known = find_checkpoint(session, "r8@step=50").attributes
    assert known == {"lr": 1e-2, "source_url": url}


def test_command_that_is_missing_changes_nothing(
    tmp_path: Path, undisturbed: Trained, caplog: pytest.LogCaptureFixture
) -> None:
    done = train(tmp_path / "run", callback(tmp_path / "zoo", command=["/nowhere/cavewall"]))
    assert done.is_same_as(undisturbed)
    assert "/nowhere/cavewall cannot be run: No such file or directory" in only_warning(caplog)
    assert (tmp_path / "run" / LOG_NAME).read_text().count("is not registered") == 2


@pytest.mark.slow
def test_full_disk_of_the_registry_changes_nothing(
    small_zoo: Registry, tmp_path: Path, undisturbed: Trained, caplog: pytest.LogCaptureFixture
) -> None:
    folder = small_zoo.settings.folder
    assert folder is not None
    before = (folder / ".cavewall" / "registry.sqlite").read_bytes()
    done = train(tmp_path / "run", callback(folder, command=ON_A_FULL_DISK, every=STEPS))
    assert done.is_same_as(undisturbed)
    log = (tmp_path / "run" / LOG_NAME).read_text()
    assert "step 50 is not registered: exit code 1" in only_warning(caplog).replace("the checkpoint of ", "")
    assert "Traceback" not in log
    assert "error: " in log
    assert points(small_zoo) == []
    assert (folder / ".cavewall" / "registry.sqlite").read_bytes() == before


def test_zoo_that_does_not_exist_changes_nothing(
    tmp_path: Path, undisturbed: Trained, caplog: pytest.LogCaptureFixture
) -> None:
    done = train(tmp_path / "run", callback(tmp_path / "nowhere", every=STEPS))
    assert done.is_same_as(undisturbed)
    assert "exit code 2" in only_warning(caplog)
    assert "error: " in (tmp_path / "run" / LOG_NAME).read_text()


def test_limit_on_saved_checkpoints_stops_nothing(tmp_path: Path) -> None:
    slow = ["/bin/sh", "-c", 'sleep 0.5; echo asked "$*"', "sh"]
    train(
        tmp_path / "run", callback(tmp_path / "zoo", command=slow), steps=6, save_steps=2, save_total_limit=1
    )
    log = (tmp_path / "run" / LOG_NAME).read_text()
    assert "checkpoint-4 is gone; was it deleted by a limit on saved checkpoints?" in log
    assert f"asked checkpoint add path:{tmp_path / 'run' / 'checkpoint-6'} --series=r8 --step=6" in log


def test_link_to_the_run_is_an_attribute(call: Call, zoo: Registry) -> None:
    url = "https://wandb.example/me/r8"
    done = call("checkpoint", "add", "baseline:pixels", "--source-url", url, "--set", "lr=0.1")
    assert done.exit_code == 0, done.stderr
    shown = json.loads(call("checkpoint", "show", "pixels", "--format", "json").stdout)
    assert shown["data"]["attributes"] == {"lr": 0.1, "source_url": url}


def test_newest_trial_of_a_search_is_meant(tmp_path: Path) -> None:
    for trial, age in (("run-0", 100), ("run-1", 50), ("run-2", 75)):
        (tmp_path / trial / "checkpoint-5").mkdir(parents=True)
        os.utime(tmp_path / trial / "checkpoint-5", (1e9 - age, 1e9 - age))
    made = callback("/zoo", command=["/bin/echo", "called"])
    made.on_save(
        SimpleNamespace(output_dir=str(tmp_path)),
        SimpleNamespace(global_step=5, is_hyper_param_search=True, is_world_process_zero=True),
        None,
    )
    made.registrar.wait()
    assert f"path:{tmp_path}/run-1/checkpoint-5" in (tmp_path / LOG_NAME).read_text()


def test_only_the_first_of_several_processes_registers(tmp_path: Path) -> None:
    made = callback("/zoo", command=["/bin/echo", "called"])
    state = SimpleNamespace(global_step=5, is_hyper_param_search=False, is_world_process_zero=False)
    made.on_save(SimpleNamespace(output_dir=str(tmp_path)), state, None)
    made.on_train_end(None, state, None)
    assert not (tmp_path / LOG_NAME).exists()


def run_python(text: str, folder: Path) -> str:
    done = subprocess.run([sys.executable, "-c", text], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


WITHOUT = "import sys\nfor name in {missing!r}: sys.modules[name] = None\n"
LAYERS = (
    "print(sorted({'registry', 'ingest', 'compute', 'analysis', 'sqlalchemy', 'click'} & set(sys.modules)))"
)


def test_module_imports_without_either_library(tmp_path: Path) -> None:
    missing = ["transformers", "lightning", "pytorch_lightning", "torch"]
    text = WITHOUT.format(missing=missing) + "import cavewall.training\n" + LAYERS
    assert run_python(text, tmp_path) == "[]"


def test_each_callback_needs_its_own_library_alone(tmp_path: Path) -> None:
    missing = ["lightning", "pytorch_lightning"]
    text = WITHOUT.format(missing=missing) + "from cavewall.training import RegisterCheckpoints\n" + LAYERS
    assert run_python(text, tmp_path) == "[]"


@pytest.mark.parametrize(
    ("name", "library"),
    [("RegisterCheckpoints", "transformers"), ("RegisterCheckpointsLightning", "lightning")],
)
def test_missing_library_is_named(name: str, library: str, tmp_path: Path) -> None:
    missing = ["transformers", "lightning", "pytorch_lightning"]
    attempt = f"try:\n    from cavewall.training import {name}\nexcept ImportError as error: print(error)"
    assert run_python(WITHOUT.format(missing=missing) + attempt, tmp_path).endswith(f"pip install {library}")
