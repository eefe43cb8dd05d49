from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

import cavewall
from cavewall.background import LOG_NAME
from registry.handle import Registry
from registry.listings import list_checkpoints

pytest.importorskip("lightning", reason="lightning is not installed")
from lightning.pytorch import LightningModule, Trainer, seed_everything
from lightning.pytorch.callbacks import Callback, ModelCheckpoint

from cavewall.demo.byte_tokenizer import byte_tokenizer
from cavewall.training import RegisterCheckpointsLightning
from tests.cavewall.training_run import WINDOW, Windows, tiny_network

pytestmark = pytest.mark.filterwarnings("ignore")  # Lightning's own: workers, loggers, devices
ECHO = ["/bin/echo", "called"]


class Module(LightningModule):
    """The tiny network, trained as Lightning wants it."""

    def __init__(self) -> None:
        super().__init__()
        self.network = tiny_network()
        self.losses: list[float] = []

    def training_step(self, batch: dict[str, torch.Tensor], index: int) -> torch.Tensor:
        loss: torch.Tensor = self.network(**batch).loss
        self.losses.append(loss.item())
        self.log("loss", loss)
        return loss

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.AdamW(self.network.parameters(), lr=1e-2)


def fit(folder: Path, *callbacks: Callback, keeper: ModelCheckpoint | None = None, steps: int = 6) -> Module:
    """Train for some steps, saving every second, and return the module."""
    seed_everything(0)
    module = Module()
    trainer = Trainer(
        max_steps=steps,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        callbacks=[*callbacks, keeper or ModelCheckpoint(every_n_train_steps=2, save_top_k=-1)],
    )
    trainer.fit(module, torch.utils.data.DataLoader(Windows(), batch_size=4))
    return module


def callback(zoo: Path, **options: Any) -> RegisterCheckpointsLightning:
    chosen: dict[str, Any] = {"series": "r9", "command": ECHO, "timeout": 120.0} | options
    return RegisterCheckpointsLightning(zoo, **chosen)


def asked_for(folder: Path) -> list[tuple[str, str]]:
    """Return the paths and the steps that the command was called with."""
    lines = (folder / LOG_NAME).read_text().splitlines()
    words = [line.split() for line in lines if line.startswith("called ")]
    return [(line[3].removeprefix("path:"), line[5].removeprefix("--step=")) for line in words]


def test_files_of_a_run_are_registered_with_their_steps(tmp_path: Path) -> None:
    fit(tmp_path / "run", callback(tmp_path / "zoo"))
    asked = asked_for(tmp_path / "run")
    assert [step for _, step in asked] == ["2", "4", "6"]
    for path, step in asked:
        assert Path(path).name == f"epoch=0-step={step}.ckpt"
        assert torch.load(path, weights_only=True)["global_step"] == int(step)


def test_best_and_last_of_a_run_are_registered_once_each(tmp_path: Path) -> None:
    keeper = ModelCheckpoint(
        every_n_train_steps=2, save_top_k=2, monitor="loss", save_last=True, dirpath=tmp_path / "kept"
    )
    fit(tmp_path / "run", callback(tmp_path / "zoo"), keeper=keeper)
    steps = [int(step) for _, step in asked_for(tmp_path / "run")]
    assert steps == sorted(set(steps))
    assert steps[:2] == [2, 4]  # the first two are the best so far


def test_every_and_the_order_of_callbacks_hold(tmp_path: Path) -> None:
    keeper = ModelCheckpoint(every_n_train_steps=1, save_top_k=-1)
    fit(tmp_path / "run", callback(tmp_path / "zoo", every=3), keeper=keeper)
    assert [step for _, step in asked_for(tmp_path / "run")] == ["3", "6"]


def test_training_ends_as_without_the_callback(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    alone = fit(tmp_path / "alone")
    for number, options in enumerate(({}, {"model": "network"}, {"model": "nothing"})):
        beside = fit(tmp_path / f"run{number}", callback(tmp_path, command=["/nowhere/cavewall"], **options))
        assert beside.losses == alone.losses
        pairs = zip(beside.state_dict().values(), alone.state_dict().values(), strict=True)
        assert all(torch.equal(mine, theirs) for mine, theirs in pairs)
    warnings = [record for record in caplog.records if record.name == "cavewall.training"]
    assert len(warnings) == 3
    assert {record.levelno for record in warnings} == {logging.WARNING}
    assert "cannot be saved: AttributeError" in warnings[2].getMessage()


def test_second_fit_leaves_the_files_of_the_first_alone(tmp_path: Path) -> None:
    mine = callback(tmp_path / "zoo")
    keeper = ModelCheckpoint(every_n_train_steps=2, save_top_k=-1, dirpath=tmp_path / "kept")
    fit(tmp_path / "run", mine, keeper=keeper, steps=4)
    fit(tmp_path / "run", mine, keeper=keeper, steps=4)
    asked = asked_for(tmp_path / "run")
    assert [step for _, step in asked] == ["2", "4", "2", "4"]
    assert len({path for path, _ in asked}) == 4


@pytest.mark.slow
def test_network_inside_is_registered_and_can_be_embedded(small_zoo: Registry, tmp_path: Path) -> None:
    folder = small_zoo.settings.folder
    assert folder is not None
    mine = callback(folder, command=None, model="network", tokenizer=byte_tokenizer(longest=WINDOW), every=4)
    fit(tmp_path / "run", mine)
    with small_zoo.read() as session:
        found = [(line.series, line.step) for line in list_checkpoints(session) if line.series]
    assert found == [("r9", 4)]
    with cavewall.open(folder) as zoo:
        assert zoo.embed("r9@step=4", dataset="tiny", device="cpu").outcome == "added"
