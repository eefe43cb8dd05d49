"""`kill -9` during an extraction, then again: the same file as without, and only the rest is computed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from sqlalchemy import select

from ingest.checkpoints import add_checkpoint
from ingest.datasets import add_dataset
from ingest.embedding import embed_checkpoint
from ingest.partial import FOLDER
from ingest.sources.running import KEPT_EVERY
from registry.handle import Registry
from registry.tables import Embedding
from tests.ingest.conftest import make_items

torch.set_num_threads(1)
ITEM_COUNT = 40
KILLED_AFTER = KEPT_EVERY + 4
SLOW = """
import sys, time
from pathlib import Path
import torch
from ingest.embedding import embed_checkpoint
from registry.handle import open_registry
from registry.settings import load_settings

torch.set_num_threads(1)
folder, checkpoint_id, dataset_id = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])

def tell(done, total):
    print(done, flush=True)
    time.sleep(0.05)

registry = open_registry(load_settings(folder))
embed_checkpoint(registry, checkpoint_id, dataset_id, batch_size=1, progress=tell)
"""


def embed_until_killed(registry: Registry, checkpoint_id: int, dataset_id: int) -> None:
    """Extract in another process and kill it when it has told of some items."""
    command = [sys.executable, "-c", SLOW, str(registry.settings.folder), str(checkpoint_id), str(dataset_id)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=root) as process:
        for line in process.stdout or ():
            if int(line) >= KILLED_AFTER:
                break
        process.kill()
    assert process.returncode == -9


def stored(registry: Registry) -> list[tuple[str, str]]:
    with registry.read() as session:
        return [(row.sha256, row.content_key) for row in session.scalars(select(Embedding))]


@pytest.mark.parametrize("kind", ["vision", "language"])
def test_after_a_kill_the_rest_is_computed_and_the_file_is_the_same(
    sqlite_registry: Registry, vit_file: Path, neox_folder: Path, kind: str
) -> None:
    reference, like = {
        "vision": (f"path:{vit_file}", "timm:test_vit"),
        "language": (f"path:{neox_folder}", None),
    }[kind]
    dataset_id = add_dataset(sqlite_registry, "toy", make_items(ITEM_COUNT)).dataset_id
    checkpoint_id = add_checkpoint(sqlite_registry, reference, like=like).checkpoint_id
    embed_until_killed(sqlite_registry, checkpoint_id, dataset_id)
    assert stored(sqlite_registry) == []
    assert (sqlite_registry.store.root / FOLDER).is_dir()

    calls: list[int] = []
    done = embed_checkpoint(
        sqlite_registry, checkpoint_id, dataset_id, batch_size=1, progress=lambda done, _: calls.append(done)
    )
    assert done.outcome == "added"
    assert calls == list(range(KEPT_EVERY + 1, ITEM_COUNT + 1))  # what was kept is not computed again
    assert not (sqlite_registry.store.root / FOLDER).exists()

    before = stored(sqlite_registry)
    whole: list[int] = []
    again = embed_checkpoint(
        sqlite_registry,
        checkpoint_id,
        dataset_id,
        batch_size=1,
        replace=True,
        progress=lambda done, _: whole.append(done),
    )
    assert whole == list(range(1, ITEM_COUNT + 1))
    assert again.outcome == "unchanged"
    assert stored(sqlite_registry) == before
    files = list((sqlite_registry.store.root / "embeddings").rglob("*.safetensors"))
    assert [path.stem for path in files] == [before[0][0]]  # both runs wrote one and the same file
