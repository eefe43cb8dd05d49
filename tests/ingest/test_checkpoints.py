"""Registering: the same again changes nothing, and nothing is edited into something else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from sqlalchemy import func, select

from ingest.checkpoints import Added, add_checkpoint
from registry.errors import ConflictError, InputError, NotFoundError, UsageError
from registry.handle import Registry
from registry.keys import content_key, sha256_of_file
from registry.lookup import current_name, find_checkpoint
from registry.tables import Checkpoint, Name
from tests.ingest.conftest import CacheModel, make_timm_file, write_json


def row(registry: Registry, added: Added) -> Checkpoint:
    with registry.read() as session:
        return session.get_one(Checkpoint, added.checkpoint_id)


def count(registry: Registry) -> int:
    with registry.read() as session:
        return session.scalar(select(func.count()).select_from(Checkpoint)) or 0


@pytest.fixture
def step(tmp_path: Path, vit_file: Path) -> Path:
    path = tmp_path / "r7" / "step_2000.safetensors"
    path.parent.mkdir()
    shutil.copy(vit_file, path)
    return path


def test_everything_said_about_a_checkpoint_stands_in_its_row(registry: Registry, step: Path) -> None:
    parent = add_checkpoint(registry, "baseline:pixels")
    added = add_checkpoint(
        registry,
        f"path:{step}",
        like="timm:test_vit",
        series="r7",
        step=2000,
        family="vits",
        seed=17,
        attributes={"lr": 3e-4},
        objective="supervised",
        training_data="toys",
        licence="MIT",
        tokens_seen=10**12,
        parent="pixels",
    )
    assert (added.outcome, added.name) == ("added", "r7-step2000")
    checkpoint = row(registry, added)
    identity = {"source": "path", "resolved": f"sha256:{sha256_of_file(step)}", "step": 2000}
    assert checkpoint.content_key == content_key("checkpoint", identity)
    assert (checkpoint.objective, checkpoint.training_data, checkpoint.licence) == (
        "supervised",
        "toys",
        "MIT",
    )
    assert (checkpoint.seed, checkpoint.tokens_seen, checkpoint.attributes) == (17, 10**12, {"lr": 3e-4})
    assert checkpoint.parent_id == parent.checkpoint_id
    assert checkpoint.visibility == "private"
    with registry.read() as session:
        assert find_checkpoint(session, "r7@step=2000").id == added.checkpoint_id


def test_the_same_again_changes_nothing(registry: Registry, step: Path) -> None:
    first = add_checkpoint(registry, f"path:{step}", like="timm:test_vit")
    second = add_checkpoint(registry, f"path:{step}", like="timm:test_vit.r160_in1k")
    assert (second.outcome, second.checkpoint_id) == ("unchanged", first.checkpoint_id)
    assert second.detail == "same reference, same bytes"
    assert count(registry) == 1


def test_the_same_bytes_elsewhere_are_the_same_checkpoint(
    sqlite_registry: Registry, step: Path, vit_file: Path
) -> None:
    first = add_checkpoint(sqlite_registry, f"path:{step}")
    second = add_checkpoint(sqlite_registry, f"path:{vit_file}", name="other")
    assert (second.outcome, second.name) == ("unchanged", first.name)
    assert second.detail == f"same bytes as path:{step}; it keeps its name {first.name}"
    assert second.equals == first.name


def test_a_moved_file_is_found_at_its_new_place(sqlite_registry: Registry, step: Path) -> None:
    first = add_checkpoint(sqlite_registry, f"path:{step}")
    moved = step.rename(step.parent / "elsewhere.safetensors")
    second = add_checkpoint(sqlite_registry, f"path:{moved}")
    assert (second.outcome, second.checkpoint_id) == ("changed", first.checkpoint_id)
    assert row(sqlite_registry, first).location == str(moved)


def test_changed_bytes_are_a_new_checkpoint_that_takes_the_name(registry: Registry, step: Path) -> None:
    first = add_checkpoint(registry, f"path:{step}", like="timm:test_vit")
    make_timm_file(step, "test_vit", seed=99)
    second = add_checkpoint(registry, f"path:{step}", like="timm:test_vit")
    assert second.outcome == "changed"
    assert second.checkpoint_id != first.checkpoint_id
    assert second.name == first.name
    with registry.read() as session:
        names = session.execute(select(Name.checkpoint_id, Name.ended_at.is_(None)).order_by(Name.id)).all()
        assert [tuple(name) for name in names] == [(first.checkpoint_id, False), (second.checkpoint_id, True)]
        old = session.get_one(Checkpoint, first.checkpoint_id)
        assert old.retired_at is None
        assert current_name(session, old.id) == old.content_key[:12]


def test_a_name_of_something_else_is_refused_with_the_way_out(registry: Registry, step: Path) -> None:
    add_checkpoint(registry, "baseline:pixels", name="mine")
    with pytest.raises(
        ConflictError, match="the name 'mine' belongs to another checkpoint: baseline"
    ) as caught:
        add_checkpoint(registry, f"path:{step}", name="mine")
    assert "--name" in caught.value.hint
    with pytest.raises(ConflictError, match="the name 'mine' belongs"):
        add_checkpoint(registry, "baseline:pixels:8", name="mine")
    assert count(registry) == 1


def test_twins_of_other_seeds_do_not_take_each_others_name(sqlite_registry: Registry) -> None:
    add_checkpoint(sqlite_registry, "baseline:untrained", like="timm:test_vit", seed=1, name="twin")
    with pytest.raises(ConflictError, match="the name 'twin' belongs"):
        add_checkpoint(sqlite_registry, "baseline:untrained", like="timm:test_vit", seed=2, name="twin")


def test_a_step_of_a_series_is_taken_once(registry: Registry, step: Path, tmp_path: Path) -> None:
    add_checkpoint(registry, f"path:{step}", series="r7", step=2000)
    other = make_timm_file(tmp_path / "other.safetensors", "test_vit", seed=98)
    with pytest.raises(ConflictError, match="series r7 has a checkpoint at step 2000: r7-step2000") as caught:
        add_checkpoint(registry, f"path:{other}", series="r7", step=2000, name="other")
    assert caught.value.hint == "retire it first: cavewall checkpoint retire r7-step2000"


def test_the_same_bytes_of_another_series_are_refused(sqlite_registry: Registry, step: Path) -> None:
    add_checkpoint(sqlite_registry, f"path:{step}", series="r7", step=0)
    with pytest.raises(ConflictError, match="at step 0 are registered as r7-step0, in the series r7, not r8"):
        add_checkpoint(sqlite_registry, f"path:{step}", series="r8", step=0)


def test_the_same_bytes_at_another_step_are_another_checkpoint_and_say_so(
    sqlite_registry: Registry, step: Path
) -> None:
    add_checkpoint(sqlite_registry, f"path:{step}", series="r7", step=0)
    later = add_checkpoint(sqlite_registry, f"path:{step}", series="r7", step=10)
    assert (later.outcome, later.equals) == ("added", "r7-step0")
    assert later.detail.startswith("same bytes as r7-step0")


def test_the_same_bytes_with_another_like_are_refused(sqlite_registry: Registry, step: Path) -> None:
    add_checkpoint(sqlite_registry, f"path:{step}", like="timm:test_vit")
    other = add_checkpoint(sqlite_registry, "baseline:untrained", like="timm:test_vit", seed=5)
    assert add_checkpoint(sqlite_registry, f"path:{step}", like=other.name).outcome == "unchanged"
    with sqlite_registry.write() as session:
        session.get_one(Checkpoint, 1).like = "timm:test_vit.other_tag"
    with pytest.raises(ConflictError, match=r"--like timm:test_vit\.other_tag, not timm:test_vit\.r160_in1k"):
        add_checkpoint(sqlite_registry, f"path:{step}", like="timm:test_vit")


def test_weights_of_an_unknown_network_can_learn_their_architecture(
    sqlite_registry: Registry, step: Path
) -> None:
    first = add_checkpoint(sqlite_registry, f"path:{step}")
    second = add_checkpoint(sqlite_registry, f"path:{step}", like="timm:test_vit")
    assert (second.outcome, second.checkpoint_id) == ("changed", first.checkpoint_id)
    assert row(sqlite_registry, first).architecture == "test_vit"


def test_a_registered_name_serves_as_like(sqlite_registry: Registry, step: Path, bert_folder: Path) -> None:
    add_checkpoint(sqlite_registry, f"path:{step}", like="timm:test_vit", name="vit")
    add_checkpoint(sqlite_registry, f"path:{bert_folder}", name="bert")
    twin = add_checkpoint(sqlite_registry, "baseline:untrained", like="vit", seed=3)
    assert (twin.name, row(sqlite_registry, twin).like) == ("vit-untrained-seed3", "timm:test_vit.r160_in1k")
    twin = add_checkpoint(sqlite_registry, "baseline:untrained", like="bert")
    assert row(sqlite_registry, twin).like == f"path:{bert_folder}"
    with pytest.raises(NotFoundError, match="no checkpoint 'brt'"):
        add_checkpoint(sqlite_registry, "baseline:untrained", like="brt")


def test_a_moving_name_keeps_its_history(
    registry: Registry, cache_model: CacheModel, neox_folder: Path
) -> None:
    files = {"config.json": neox_folder / "config.json"}
    cache_model("org/neox", files, commit="1" * 40)
    first = add_checkpoint(registry, "hf:org/neox@main")
    assert (first.outcome, first.name) == ("added", "neox")
    cache_model("org/neox", files, commit="2" * 40)
    second = add_checkpoint(registry, "hf:org/neox@main")
    assert (second.outcome, second.name) == ("changed", "neox")
    assert second.detail.startswith("neox moved here from 111111111111…")
    assert row(registry, second).revision == "2" * 40
    assert count(registry) == 2


def test_a_floating_reference_becomes_resolved(
    registry: Registry, cache_model: CacheModel, neox_folder: Path
) -> None:
    floating = add_checkpoint(registry, "hf:org/neox@main", series="neox-steps", step=1)
    assert floating.detail == "floating: its revision is not in the local cache, and the hub cannot be asked"
    assert row(registry, floating).resolved is None
    again = add_checkpoint(registry, "hf:org/neox@main", series="neox-steps", step=1)
    assert (again.outcome, again.detail) == ("unchanged", "same reference, still floating")
    cache_model("org/neox", {"config.json": neox_folder / "config.json"})
    resolved = add_checkpoint(registry, "hf:org/neox@main", series="neox-steps", step=1)
    assert (resolved.outcome, resolved.name) == ("changed", floating.name)
    assert row(registry, floating).retired_at is not None
    assert row(registry, resolved).revision == "a" * 40


def test_two_floating_references_are_two_checkpoints(sqlite_registry: Registry, hub_cache: Path) -> None:
    assert hub_cache.is_dir()
    names = {add_checkpoint(sqlite_registry, f"hf:org/model@{tag}").name for tag in ("main", "v1", "v2")}
    assert names == {"model", "model-v1", "model-v2"}
    assert count(sqlite_registry) == 3


def test_a_timm_model_brings_its_data_and_licence(
    sqlite_registry: Registry, cache_model: CacheModel, tmp_path: Path
) -> None:
    cache_model("timm/test_vit.r160_in1k", {"config.json": write_json(tmp_path / "config.json", {})})
    checkpoint = row(sqlite_registry, add_checkpoint(sqlite_registry, "timm:test_vit"))
    assert (checkpoint.training_data, checkpoint.licence) == ("ImageNet-1k", "apache-2.0")


def test_a_pinned_digest_is_checked(sqlite_registry: Registry, step: Path) -> None:
    with pytest.raises(InputError, match=f"expected sha256 {'0' * 64}, found {sha256_of_file(step)}"):
        add_checkpoint(sqlite_registry, f"path:{step}", sha256="0" * 64)
    assert count(sqlite_registry) == 0
    assert add_checkpoint(sqlite_registry, f"path:{step}", sha256=sha256_of_file(step)).outcome == "added"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"series": "r7"}, "a point of the series r7 needs its step"),
        ({"step": -1}, "step -1 is out of range"),
        ({"name": "a b"}, "'a b' cannot be a name"),
        ({"series": "r7@x", "step": 1}, "'r7@x' cannot be a name of a series"),
        ({"family": "a/b"}, "'a/b' cannot be a name of a family"),
        ({"modality": "sound"}, "no modality 'sound'"),
    ],
)
def test_options_that_mean_nothing_are_refused(
    sqlite_registry: Registry, options: dict[str, object], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        add_checkpoint(sqlite_registry, "baseline:pixels", **options)
    assert count(sqlite_registry) == 0


def test_an_unknown_parent_is_refused_and_nothing_is_kept(sqlite_registry: Registry) -> None:
    with pytest.raises(NotFoundError, match="no checkpoint 'nobody'"):
        add_checkpoint(sqlite_registry, "baseline:pixels", parent="nobody")
    assert count(sqlite_registry) == 0
