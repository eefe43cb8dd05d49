"""The callback of Lightning's `Trainer`."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from operator import attrgetter
from pathlib import Path
from typing import Any

from cavewall.background import Registrar, Run, SourceUrl

LIBRARIES = ("lightning.pytorch", "pytorch_lightning")
FOLDER = "cavewall-checkpoints"


def _library() -> Any:
    """Return Lightning under the one of its two names that the program uses."""
    for name in sorted(LIBRARIES, key=lambda name: name not in sys.modules):
        with suppress(ImportError):
            return import_module(name)
    raise ImportError("RegisterCheckpointsLightning needs Lightning: pip install lightning")


Callback: Any = _library().Callback


class RegisterCheckpointsLightning(Callback):  # type: ignore[misc]
    """Register every checkpoint that a Lightning `Trainer` saves, in the background, without stopping it.

    Lightning's files hold the weights under the module's own names, so they are registered as weights of an
    unknown network, whose embeddings come as arrays. With `model`, the network inside is saved beside
    them as a Hugging Face folder, and that is what is registered and can be embedded later. What fails is
    written to a log, `cavewall-registering.log` in the trainer's root folder, and warned of once.

    Args:
        zoo: a folder in a zoo, the path of an SQLite registry, or a database URL.
        series: the training run's name.
        model: where in the module the network is that has `save_pretrained`, for example `"model"`.
        tokenizer: what is saved with it, if it has `save_pretrained`: the tokenizer or the processor.
        command: the program, where `cavewall` lives in another environment: `["/venv/bin/cavewall"]`.
        every: only steps that are multiples of it.
        name: what to call them, with `{step}` in it; `SERIES-stepN` where it is None.
        attributes: anything else that is known, for example `{"lr": 3e-4}`.
        like: whose architecture the weights have, if Lightning's files fit it.
        source_url: the run in W&B or MLflow, or a function that returns it once it is known.
        log: another file for the log.
        timeout: seconds for one registration, and for the end of the training to wait for those queued.

    Raises:
        ValueError: an argument can mean nothing.
    """

    def __init__(
        self,
        zoo: str | os.PathLike[str],
        *,
        series: str,
        model: str | None = None,
        tokenizer: Any = None,
        command: Sequence[str] | None = None,
        every: int | None = None,
        name: str | None = None,
        attributes: Mapping[str, Any] | None = None,
        like: str | None = None,
        source_url: SourceUrl | None = None,
        log: str | os.PathLike[str] | None = None,
        timeout: float = 300.0,
    ) -> None:
        super().__init__()
        self.registrar = Registrar(
            Run(zoo, series, command, every, name, attributes, like, source_url, log, timeout)
        )
        self.model = model
        self.tokenizer = tokenizer
        self._saved_at: int | None = None
        self._known: set[str] = set()
        self._steps: set[int] = set()

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Leave alone what earlier runs have saved."""
        self._known, self._steps, self._saved_at = set(_paths(trainer)), set(), None

    def on_save_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: Any) -> None:
        """Keep the step at which Lightning is about to write; with `model`, save and queue the network."""
        if not trainer.is_global_zero or trainer.global_step in self._steps:
            return
        self.registrar.folder = Path(trainer.default_root_dir)
        if self.model is None:
            self._queue_new_files(
                trainer
            )  # what was written before, by another callback at this step perhaps
            if trainer.global_step not in self._steps:
                self._saved_at = trainer.global_step
        elif self.registrar.run.wants(trainer.global_step):
            self._steps.add(trainer.global_step)
            self._save_network(trainer, pl_module)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        """Queue the file that was written since the last batch."""
        self._queue_new_files(trainer)

    def teardown(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Queue the last file, and wait for what is queued, at most `timeout` seconds."""
        if stage == "fit" and trainer.is_global_zero:
            self._queue_new_files(trainer)
            self.registrar.wait()

    def _queue_new_files(self, trainer: Any) -> None:
        if self._saved_at is None:
            return
        step, self._saved_at = self._saved_at, None
        new = [path for path in _paths(trainer) if path not in self._known]
        self._known.update(new)
        if new:
            self._steps.add(step)
            self.registrar.submit(new[0], step)

    def _save_network(self, trainer: Any, module: Any) -> None:
        step = trainer.global_step
        folder = Path(trainer.default_root_dir) / FOLDER / f"step-{step}"
        try:
            attrgetter(str(self.model))(module).save_pretrained(folder)
            if self.tokenizer is not None:
                self.tokenizer.save_pretrained(folder)
        except Exception as error:  # whatever the library or the disk says: the training goes on
            self.registrar.fail(step, f"{folder} cannot be saved: {type(error).__name__}: {error}")
            return
        self.registrar.submit(folder, step)


def _paths(trainer: Any) -> list[str]:
    """Return the files that Lightning's own callbacks have saved and kept, the newest of each first."""
    found: list[str] = []
    for callback in trainer.checkpoint_callbacks:
        best = reversed(getattr(callback, "best_k_models", None) or {})
        found += [getattr(callback, "best_model_path", ""), *best, getattr(callback, "last_model_path", "")]
    return [str(path) for path in found if path]
