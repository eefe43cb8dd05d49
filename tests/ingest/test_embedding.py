"""Embedding real, tiny checkpoints of every source."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import select

from ingest.checkpoints import add_checkpoint, retire_checkpoints
from ingest.datasets import add_dataset
from ingest.embedding import chosen_device, embed_checkpoint, embed_missing, record_embedding
from registry.errors import EmbeddingMismatch, InputError, MissingExtra, UsageError
from registry.handle import Registry
from registry.items import Items
from registry.layers import read_layers
from registry.tables import Embedding, Failure, Run
from tests.ingest.conftest import CacheModel, files_of, make_timm_file


@pytest.fixture
def toy(sqlite_registry: Registry, items: Items) -> int:
    """The id of a data set of six pictures with captions."""
    return add_dataset(sqlite_registry, "toy", items).dataset_id


def embeddings(registry: Registry) -> list[Embedding]:
    with registry.read() as session:
        return list(session.scalars(select(Embedding).order_by(Embedding.id)))


def failures(registry: Registry) -> list[Failure]:
    with registry.read() as session:
        return list(session.scalars(select(Failure).order_by(Failure.id)))


def test_every_source_is_embedded_by_the_same_call(
    sqlite_registry: Registry,
    toy: int,
    vit_file: Path,
    bert_folder: Path,
    neox_folder: Path,
    cache_model: CacheModel,
    tmp_path: Path,
) -> None:
    cache_model(
        "timm/test_vit.r160_in1k", {"model.safetensors": vit_file, "config.json": bert_folder / "config.json"}
    )
    cache_model("org/bert", files_of(bert_folder))
    step = tmp_path / "step.safetensors"
    shutil.copy(neox_folder / "model.safetensors", step)
    expected = {
        "timm:test_vit": 6,
        f"path:{vit_file}": 6,
        "hf:org/bert@main": 3,
        f"path:{bert_folder}": 3,
        f"path:{step}": 3,
        "baseline:pixels": 1,
        "baseline:tf-idf": 1,
        "baseline:untrained": 6,
    }
    likes = {
        f"path:{vit_file}": "timm:test_vit",
        f"path:{step}": f"path:{neox_folder}",
        "baseline:untrained": "timm:test_vit",
    }
    for number, (reference, layer_count) in enumerate(expected.items()):
        added = add_checkpoint(sqlite_registry, reference, like=likes.get(reference), name=f"m{number}")
        result = embed_checkpoint(sqlite_registry, added.checkpoint_id, toy)
        assert (reference, result.outcome, result.layer_count) == (reference, "added", layer_count)
    rows = embeddings(sqlite_registry)
    contents = [read_layers(sqlite_registry.store, row.uri, row.sha256, row.layer_names) for row in rows]
    assert all(layer.shape[0] == 6 for layers in contents for layer in layers)
    for one, other in ((0, 1), (2, 3)):  # the hub's copy and the local one are the same network
        assert all(np.array_equal(a, b) for a, b in zip(contents[one], contents[other], strict=True))
    assert len({row.extraction_id for row in rows}) == 2
    assert all(row.libraries and row.resolved for row in rows)
    assert failures(sqlite_registry) == []


def test_a_second_call_extracts_nothing(registry: Registry, items: Items) -> None:
    dataset_id = add_dataset(registry, "toy", items).dataset_id
    checkpoint_id = add_checkpoint(registry, "baseline:pixels").checkpoint_id
    first = embed_checkpoint(registry, checkpoint_id, dataset_id)
    second = embed_checkpoint(registry, checkpoint_id, dataset_id)
    assert (second.outcome, second.embedding_id) == ("unchanged", first.embedding_id)
    with registry.read() as session:
        runs = session.scalars(select(Run)).all()
    assert [(run.kind, run.status, run.counts["layers"]) for run in runs] == [("embed extract", "done", 1)]


def test_extracting_again_gives_the_same_bytes(
    sqlite_registry: Registry, toy: int, bert_folder: Path
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{bert_folder}").checkpoint_id
    first = embed_checkpoint(sqlite_registry, checkpoint_id, toy)
    again = embed_checkpoint(sqlite_registry, checkpoint_id, toy, replace=True)
    assert (again.outcome, again.embedding_id) == ("unchanged", first.embedding_id)


def test_all_that_is_missing_is_embedded_and_one_failure_stops_nothing(
    registry: Registry, items: Items, tmp_path: Path, bert_folder: Path
) -> None:
    dataset_id = add_dataset(registry, "toy", items).dataset_id
    broken = make_timm_file(tmp_path / "broken.safetensors", "test_vit", seed=1)
    add_checkpoint(registry, "baseline:pixels")
    add_checkpoint(registry, f"path:{broken}", like="timm:test_vit", name="broken")
    add_checkpoint(registry, f"path:{bert_folder}", name="bert")
    add_checkpoint(registry, "hf:org/floating@main")
    add_checkpoint(registry, f"path:{make_timm_file(tmp_path / 'x.safetensors', 'test_vit', seed=2)}")
    gone = add_checkpoint(registry, "baseline:tf-idf")
    retire_checkpoints(registry, [gone.checkpoint_id], "not needed")
    make_timm_file(broken, "test_vit", seed=3)
    seen: list[tuple[str, int, int]] = []
    result = embed_missing(registry, dataset_id, progress=lambda *call: seen.append(call))
    assert (result.added, result.already, result.skipped, result.failed) == (2, 0, 2, 1)
    assert result.layer_count == 4
    assert seen == [("bert", 6, 6)]
    failure = result.failures[0]
    assert failure.name == "broken"
    assert failure.message.startswith(f"broken: {broken} has changed since it was registered: expected")
    recorded = failures(registry)
    assert [(row.stage, row.last_error) for row in recorded] == [("extract", failure.message)]
    with registry.read() as session:
        run = session.scalars(select(Run)).one()
    assert (run.status, run.counts) == ("partly done", {"embedded": 2, "layers": 4, "failed": 1})
    again = embed_missing(registry, dataset_id)
    assert (again.added, again.already, again.failed) == (0, 2, 1)
    assert failures(registry)[0].attempts == 2


def test_success_clears_the_failure(sqlite_registry: Registry, toy: int, tmp_path: Path) -> None:
    path = make_timm_file(tmp_path / "vit.safetensors", "test_vit", seed=1)
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{path}", like="timm:test_vit").checkpoint_id
    aside = path.rename(tmp_path / "aside")
    with pytest.raises(InputError, match=r"vit: .*vit\.safetensors is missing"):
        embed_checkpoint(sqlite_registry, checkpoint_id, toy)
    assert len(failures(sqlite_registry)) == 1
    aside.rename(path)
    assert embed_checkpoint(sqlite_registry, checkpoint_id, toy).outcome == "added"
    assert failures(sqlite_registry) == []


def test_a_changed_folder_is_refused(
    sqlite_registry: Registry, toy: int, tmp_path: Path, bert_folder: Path
) -> None:
    folder = tmp_path / "bert"
    shutil.copytree(bert_folder, folder)
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{folder}").checkpoint_id
    twin_id = add_checkpoint(sqlite_registry, "baseline:untrained", like="bert").checkpoint_id
    (folder / "tokenizer_config.json").write_text("{}")
    with pytest.raises(InputError, match="has changed since it was registered"):
        embed_checkpoint(sqlite_registry, checkpoint_id, toy)
    with pytest.raises(InputError, match="has changed since it was registered"):
        embed_checkpoint(sqlite_registry, twin_id, toy)


def test_floating_retired_and_unknown_networks_are_not_embedded(
    sqlite_registry: Registry, toy: int, vit_file: Path, hub_cache: Path
) -> None:
    assert hub_cache.is_dir()
    floating = add_checkpoint(sqlite_registry, "hf:org/model@main").checkpoint_id
    with pytest.raises(UsageError, match="hf:org/model@main is floating"):
        embed_checkpoint(sqlite_registry, floating, toy)
    pinned = add_checkpoint(sqlite_registry, "hf:org/model@" + "e" * 40).checkpoint_id
    with pytest.raises(InputError, match="org/model@eeeeeeeeeeee is not in the local cache"):
        embed_checkpoint(sqlite_registry, pinned, toy)
    alone = add_checkpoint(sqlite_registry, f"path:{vit_file}").checkpoint_id
    with pytest.raises(UsageError, match="nothing says which architecture") as caught:
        embed_checkpoint(sqlite_registry, alone, toy)
    assert "--like" in caught.value.hint
    retired = add_checkpoint(sqlite_registry, "baseline:pixels").checkpoint_id
    retire_checkpoints(sqlite_registry, [retired], "old")
    with pytest.raises(UsageError, match="pixels is retired: old"):
        embed_checkpoint(sqlite_registry, retired, toy)
    assert embeddings(sqlite_registry) == []


def test_arrays_of_the_user_stand_for_a_network_that_cannot_be_run(
    sqlite_registry: Registry, toy: int, items: Items, vit_file: Path
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{vit_file}", series="r8", step=2000).checkpoint_id
    layers = {"blocks.0": np.eye(6), "blocks.1": np.eye(6) * 2}
    result = record_embedding(sqlite_registry, checkpoint_id, toy, layers, ids=items.ids)
    assert result.outcome == "added"
    assert embeddings(sqlite_registry)[0].resolved == {"computed_by": "the caller"}
    assert embed_checkpoint(sqlite_registry, checkpoint_id, toy).outcome == "unchanged"


def test_captions_that_are_not_there_are_refused(sqlite_registry: Registry, bert_folder: Path) -> None:
    pictures = add_dataset(
        sqlite_registry, "pictures", Items(["a", "b"], images=list(make_pictures()))
    ).dataset_id
    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{bert_folder}").checkpoint_id
    with pytest.raises(EmbeddingMismatch, match="reads language, the data set holds vision"):
        embed_checkpoint(sqlite_registry, checkpoint_id, pictures)


def make_pictures() -> list[bytes]:
    from tests.ingest.conftest import make_items

    return (make_items(2).images or [])[:2]


def test_a_second_caption_is_another_embedding(
    sqlite_registry: Registry, toy: int, bert_folder: Path
) -> None:
    from dataclasses import replace

    from ingest.extraction import default_rule

    checkpoint_id = add_checkpoint(sqlite_registry, f"path:{bert_folder}").checkpoint_id
    rule = default_rule("language")
    first = embed_checkpoint(sqlite_registry, checkpoint_id, toy, rule)
    second = embed_checkpoint(sqlite_registry, checkpoint_id, toy, replace(rule, caption_index=1))
    assert (second.outcome, first.embedding_id != second.embedding_id) == ("added", True)
    with pytest.raises(
        EmbeddingMismatch, match="item 'item0' has 2 texts, the extraction asks for caption 2"
    ):
        embed_checkpoint(sqlite_registry, checkpoint_id, toy, replace(rule, caption_index=2))


def test_devices_that_are_not_here_are_refused() -> None:
    assert chosen_device("auto") in ("cpu", "cuda")
    with pytest.raises(UsageError, match="there is no device 'gpu7'"):
        chosen_device("gpu7")
    with pytest.raises(UsageError, match="device cuda:63 is not here"):
        chosen_device("cuda:63")


def test_without_torch_the_line_that_installs_it_is_named(
    sqlite_registry: Registry, toy: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkpoint_id = add_checkpoint(sqlite_registry, "baseline:pixels").checkpoint_id
    monkeypatch.setitem(sys.modules, "torch", None)
    for call in (
        lambda: embed_checkpoint(sqlite_registry, checkpoint_id, toy),
        lambda: embed_missing(sqlite_registry, toy),
    ):
        with pytest.raises(MissingExtra) as caught:
            call()
        assert caught.value.hint == "pip install 'cavewall[models]'"
