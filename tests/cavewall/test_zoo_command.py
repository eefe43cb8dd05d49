"""`cavewall zoo`: a list of checkpoints is registered as a whole, line by line, and once."""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import func, select

from cavewall.manifest_adding import hub_not_asked, next_commands
from ingest.manifests import find_manifest, manifest_of
from registry.handle import Registry
from registry.tables import Alignment, Checkpoint, Dataset, Extraction, Family, Tag, Target
from tests.cavewall.conftest import Call, write_items

BROKEN = """
title = "one that exists, one that does not"
[[families]]
name = "vit"
modality = "vision"
objective = "masked autoencoding"
training_data = "ImageNet-1k"
source = "own choice"
[families.checkpoints]
good = "timm:vit_base_patch16_224.mae"
bad = "timm:vit_bse_patch16_224.mae"
"""
WITH_TARGET = """
title = "two baselines on the tiny items"
[dataset]
name = "tiny"
item_count = 24
order = "by name"
[extraction.vision]
pooling = "mean"
layer_rule = "intermediates"
input_size = "own"
crop = "own"
interpolation = "own"
normalisation = "own"
[target]
metric = "mutual_knn"
k = 3
recipe = "cosine"
reducer = "last"
pairs = "all"
[[families]]
name = "baselines"
modality = "vision"
objective = "none"
training_data = "none"
source = "own choice"
[families.checkpoints]
pixels-8 = "baseline:pixels:8"
"""
THREE_COMMANDS = """
title = "pictures and words that need no network to embed"
[dataset]
name = "pairs"
reference = "hf:me/pairs@main"
item_count = 24
caption_index = 0
order = "as stored"
[extraction.vision]
pooling = "cls-else-mean"
layer_rule = "intermediates+pooled"
input_size = "own"
crop = "own"
interpolation = "own"
normalisation = "own"
[extraction.language]
pooling = "mean"
layer_rule = "hidden-states"
caption_index = 0
tokenizer_revision = "own"
special_tokens = "own"
padding_side = "left"
maximum_tokens = "own"
[target]
metric = "mutual_knn"
k = 3
recipe = "cosine"
reducer = "max"
pairs = "across"
[[families]]
name = "pixels"
modality = "vision"
objective = "none"
training_data = "none"
source = "own choice"
[families.checkpoints]
pixels = "baseline:pixels"
pixels-8 = "baseline:pixels:8"
[[families]]
name = "words"
modality = "language"
objective = "none"
training_data = "none"
source = "own choice"
[families.checkpoints]
tf-idf = "baseline:tf-idf"
"""


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "huggingface"))
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")


def test_list_counts_what_is_there_and_what_can_be_had(call: Call, zoo: Registry) -> None:
    result = call("zoo", "list", "--format", "json")
    rows = {row["name"]: row for row in json.loads(result.stdout)["data"]}
    assert (rows["prh-val"]["vision"], rows["prh-val"]["language"]) == (17, 12)
    assert (rows["prh-vision-78"]["addable"], rows["prh-vision-78"]["without_name"]) == (18, 60)
    assert "no commit is pinned" in call("zoo", "list").stderr


def test_show_tells_what_cannot_be_added_and_how_to_embed(call: Call, zoo: Registry) -> None:
    text = call("zoo", "show", "prh-vision-78").stdout
    assert "49 alignment-and-uniformity ResNet-18" in text
    assert "layer_rule=intermediates" in text
    data = json.loads(call("zoo", "show", "prh-val", "--format", "json").stdout)["data"]
    assert len(data["checkpoints"]) == 29
    assert data["dataset"]["reference"] == "hf:minhuh/prh@wit_1024"


def test_a_zoo_is_registered_with_families_objectives_data_and_tag(call: Call, zoo: Registry) -> None:
    result = call("zoo", "add", "prh-val", "--only", "vit-dinov2", "--format", "json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["data"]["counts"] == {"added": 4}
    assert "4 of 4 are floating" in result.stderr
    assert "cavewall embed extract tag:prh-val --dataset wit_1024 --rule vision.layer_rule=" in result.stderr
    assert "wit_1024 is not in the local cache" in json.loads(result.stdout)["data"]["dataset"]
    with zoo.read() as session:
        rows = session.scalars(select(Checkpoint)).all()
        families = session.scalars(select(Family.name)).all()
        tags = session.scalars(select(Tag.tag)).all()
    assert (families, tags) == (["vit-dinov2"], ["prh-val"] * 4)
    for row in rows:
        assert (row.objective, row.training_data) == ("self-distillation", "LVD-142M")
        assert (row.source, row.resolved, row.attributes["listed_by"]) == ("timm", None, "released code")
        assert row.parameter_count > 20_000_000


def test_twice_adds_nothing(call: Call, zoo: Registry) -> None:
    call("zoo", "add", "prh-test", "--offline-ok")
    again = call("zoo", "add", "prh-test", "--offline-ok")
    assert again.exit_code == 0
    assert "unchanged 8   tag: prh-test" in again.stdout
    with zoo.read() as session:
        assert session.scalar(select(func.count(Checkpoint.id))) == 8
        assert session.scalar(select(func.count()).select_from(Tag)) == 8


def test_a_checkpoint_of_two_zoos_is_one_checkpoint_with_two_tags(call: Call, zoo: Registry) -> None:
    call("zoo", "add", "prh-val", "--only", "vit-mae")
    second = call("zoo", "add", "prh-vision-78", "--only", "vit-mae")
    assert second.stdout.count("(tagged prh-vision-78)") == 3
    with zoo.read() as session:
        assert session.scalar(select(func.count(Checkpoint.id))) == 3
        assert session.scalar(select(func.count()).select_from(Tag)) == 6


def test_a_line_is_what_checkpoint_add_makes_of_it(call: Call, zoo: Registry) -> None:
    call("checkpoint", "add", "timm:vit_base_patch16_224.mae", "--name", "mine")
    result = call("zoo", "add", "prh-val", "--only", "vit_base*.mae")
    assert "changed  mine" in result.stdout
    with zoo.read() as session:
        assert session.scalars(select(Tag.tag)).all() == ["prh-val"]


def test_a_rehearsal_writes_nothing(call: Call, zoo: Registry) -> None:
    result = call("zoo", "add", "prh-vision-78", "--only", "resnet50*", "--dry-run")
    assert result.exit_code == 0
    assert "nothing was written" in result.stdout
    with zoo.read() as session:
        assert session.scalar(select(func.count(Checkpoint.id))) == 0


def test_a_line_that_fails_stops_no_other(call: Call, zoo: Registry, tmp_path: Path) -> None:
    path = tmp_path / "broken.toml"
    path.write_text(BROKEN)
    result = call("zoo", "add", path)
    assert result.exit_code == 3
    assert "failed  timm:vit_bse_patch16_224.mae   no such timm model" in result.stdout
    assert "did you mean vit_base_patch16_224.mae" in result.stdout
    assert "1 of 2 checkpoints failed" in result.stderr
    with zoo.read() as session:
        assert session.scalar(select(func.count(Checkpoint.id))) == 1


def test_the_target_is_registered_once_its_items_are_there(
    call: Call, small_zoo: Registry, tmp_path: Path
) -> None:
    path = tmp_path / "small.toml"
    path.write_text(WITH_TARGET)
    first = call("zoo", "add", path)
    assert first.exit_code == 0, first.stderr
    assert "target tiny/mutual-knn-k3-last: added" in first.stdout
    assert "dataset add" not in first.stderr
    assert "target tiny/mutual-knn-k3-last: unchanged" in call("zoo", "add", path).stdout
    with small_zoo.read() as session:
        assert session.scalar(select(func.count(Target.id))) == 2


def test_the_way_goes_on_to_the_alignments() -> None:
    for name in ("prh-val", "prh-vision-78", "prh-test", "prh-bloom"):
        manifest = find_manifest(name)
        with_items = next_commands(manifest, has_items=True)
        assert with_items[0].startswith(f"cavewall embed extract tag:{name} --dataset ")
        assert with_items[1] == "cavewall align run"
        assert next_commands(manifest, has_items=False) == [f"cavewall zoo add {name}", *with_items]
    assert next_commands(manifest_of("small", {"title": "none"}), has_items=False) == [
        "cavewall embed extract tag:small",
        "cavewall align run",
    ]


def test_three_commands_lead_from_a_manifest_to_its_alignments(
    call: Call, zoo: Registry, tmp_path: Path
) -> None:
    put_pairs(tmp_path / "huggingface" / "hub", count=30)
    path = tmp_path / "figure.toml"
    path.write_text(THREE_COMMANDS)
    first = call("zoo", "add", path, "--format", "json")
    assert first.exit_code == 0, first.stderr
    done = json.loads(first.stdout)["data"]
    assert (done["dataset"], done["target_outcome"]) == ("added", "added")
    assert len(done["next"]) == 2
    for line in done["next"]:
        result = call(*shlex.split(line)[1:])
        assert result.exit_code == 0, result.stderr
    with zoo.read() as session:
        (dataset,) = session.scalars(select(Dataset))
        rules = session.scalars(select(Extraction).order_by(Extraction.modality)).all()
        scores = session.scalars(select(Alignment.score)).all()
    assert (dataset.item_count, dataset.revision) == (24, "d" * 40)
    assert [(rule.modality, rule.crop, rule.padding_side) for rule in rules] == [
        ("language", None, "left"),
        ("vision", "own", None),
    ]
    assert len(scores) == 2
    again = json.loads(call("zoo", "add", path, "--format", "json").stdout)["data"]
    assert (again["counts"], again["dataset"], again["target_outcome"]) == (
        {"unchanged": 3},
        "unchanged",
        "unchanged",
    )


def test_a_data_set_of_another_size_is_not_registered(call: Call, zoo: Registry, tmp_path: Path) -> None:
    put_pairs(tmp_path / "huggingface" / "hub", count=20)
    path = tmp_path / "figure.toml"
    path.write_text(THREE_COMMANDS)
    result = call("zoo", "add", path)
    assert result.exit_code == 0
    assert "has 20 items, asked for 24" in result.stdout
    assert "by hand: cavewall dataset add pairs --from hf:me/pairs@main --n 24" in result.stdout
    with zoo.read() as session:
        assert session.scalars(select(Dataset)).all() == []


def put_pairs(cache: Path, *, count: int) -> None:
    """Lay pictures with captions out as the hub's client does."""
    pictures, _ = write_items(cache.parent.parent, count)
    rows = [
        {"image": {"bytes": file.read_bytes(), "path": None}, "text": [f"a thing like {number % 5}", "no"]}
        for number, file in enumerate(sorted(pictures.iterdir()))
    ]
    folder = cache / "datasets--me--pairs"
    snapshot = folder / "snapshots" / ("d" * 40) / "data"
    snapshot.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), snapshot / "train-00000-of-00001.parquet")
    (folder / "refs").mkdir()
    (folder / "refs" / "main").write_text("d" * 40)


def test_an_unknown_manifest_is_refused(call: Call, zoo: Registry) -> None:
    result = call("zoo", "add", "prh-vall")
    assert result.exit_code == 1
    assert "did you mean prh-val ?" in result.stderr
    assert call("zoo", "add", "prh-val", "--only", "x*").exit_code == 2


def test_offline_ok_leaves_the_environment_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with hub_not_asked(is_wanted=True):
        assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert "HF_HUB_OFFLINE" not in os.environ
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    with hub_not_asked(is_wanted=True):
        assert os.environ["HF_HUB_OFFLINE"] == "1"
    assert os.environ["HF_HUB_OFFLINE"] == "0"
