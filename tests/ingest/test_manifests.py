"""The zoos of papers: what the lists hold, that their names exist, and what no list may hold."""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import timm

from compute.targets import TargetRule
from ingest.extraction import check_rule
from ingest.manifests import (
    FOLDER,
    Manifest,
    chosen_lines,
    find_manifest,
    manifest_names,
    manifest_of,
    read_manifest,
)
from ingest.references import HubReference, TimmReference, default_name, parse_reference
from registry.errors import InputError, NotFoundError, RegistryError, UsageError

NAMES = manifest_names()
every_manifest = pytest.mark.parametrize("name", NAMES)


def minimal(**changes: Any) -> dict[str, Any]:
    family = {
        "name": "pythia",
        "modality": "language",
        "objective": "next token",
        "training_data": "The Pile",
        "source": "own choice",
        "checkpoints": {"pythia-70m": "hf:EleutherAI/pythia-70m@main"},
    }
    return {"title": "a list", "families": [family | changes]}


def test_the_paper_has_these_zoos() -> None:
    assert NAMES == ["prh-bloom", "prh-test", "prh-val", "prh-vision-78"]


@pytest.mark.parametrize(
    ("name", "vision", "language", "addable"),
    [("prh-val", 17, 12, 29), ("prh-test", 0, 8, 8), ("prh-bloom", 0, 5, 5), ("prh-vision-78", 78, 0, 18)],
)
def test_each_zoo_has_as_many_checkpoints_as_the_paper_says(
    name: str, vision: int, language: int, addable: int
) -> None:
    manifest = find_manifest(name)
    assert (manifest.count("vision"), manifest.count("language")) == (vision, language)
    assert len(manifest.checkpoints) == addable
    assert addable + manifest.unnamed_count == vision + language


@every_manifest
def test_every_timm_name_is_known_with_its_tag_and_has_weights(name: str) -> None:
    pretrained = set(timm.list_pretrained())
    for line in find_manifest(name).checkpoints:
        reference = parse_reference(line.reference)
        if isinstance(reference, TimmReference):
            assert "." in reference.name
            assert reference.name in pretrained
        if line.like is not None:
            assert timm.is_model(line.like.removeprefix("timm:"))


@every_manifest
def test_no_manifest_pins_a_commit_that_is_not_known_here(name: str) -> None:
    references = [parse_reference(line.reference) for line in find_manifest(name).checkpoints]
    hub = [reference for reference in references if isinstance(reference, HubReference)]
    assert all(reference.revision == "main" and reference.text.endswith("@main") for reference in hub)


@every_manifest
def test_a_listed_checkpoint_is_called_what_checkpoint_add_would_call_it(name: str) -> None:
    for line in find_manifest(name).checkpoints:
        like_name = line.like and default_name(parse_reference(line.like))
        expected = default_name(parse_reference(line.reference), like_name=like_name, seed=line.seed)
        assert line.name == expected


@every_manifest
def test_no_checkpoint_is_listed_twice_and_every_line_says_everything(name: str) -> None:
    lines = find_manifest(name).checkpoints
    assert max(Counter(line.name for line in lines).values()) == 1
    assert max(Counter((line.reference, line.like) for line in lines).values()) == 1
    for line in lines:
        assert all((line.modality, line.family, line.objective, line.training_data, line.source))


@every_manifest
def test_rules_and_target_are_some_that_the_program_has(name: str) -> None:
    manifest = find_manifest(name)
    assert manifest.rules
    for modality, rule in manifest.rules.items():
        assert rule.modality == modality
        check_rule(rule)
    target = manifest.target
    assert target is not None
    assert (target.metric, target.k, target.recipe) == ("mutual_knn", 10, TargetRule().recipe)


def test_the_cross_modal_figure_is_described_as_the_paper_has_it() -> None:
    manifest = find_manifest("prh-val")
    items, corpus = manifest.dataset, manifest.corpus
    assert items is not None
    assert corpus is not None
    assert (items.reference, items.item_count, items.caption_index) == ("hf:minhuh/prh@wit_1024", 1024, 0)
    assert "sorted as strings" in items.order
    vision, language = manifest.rules["vision"], manifest.rules["language"]
    assert (vision.pooling, vision.layer_rule) == ("cls-else-mean", "intermediates")
    assert (language.pooling, language.layer_rule, language.padding_side) == ("mean", "hidden-states", "left")
    assert (corpus.name, corpus.token_count) == ("OpenWebText", 4_000_000)
    assert "clips" in (manifest.target.note if manifest.target else "")


def test_bloom_and_bloomz_are_different_checkpoints_and_both_can_be_had() -> None:
    code = {line.reference for line in find_manifest("prh-val").checkpoints if line.family == "bloomz"}
    text = {line.reference for line in find_manifest("prh-bloom").checkpoints}
    assert len(code) == len(text) == 5
    assert {reference.replace("bloomz", "bloom") for reference in code} == text
    assert not code & text
    assert any("BLOOMZ" in note for note in find_manifest("prh-val").notes)


def test_the_vision_transformers_of_both_zoos_are_the_same_lines() -> None:
    zoos = [find_manifest(name).checkpoints for name in ("prh-val", "prh-vision-78")]
    first, second = ([line for line in lines if line.reference.startswith("timm:")] for lines in zoos)
    assert first == second
    assert len(first) == 17


def test_the_nets_without_public_names_are_counted_and_not_addable() -> None:
    manifest = find_manifest("prh-vision-78")
    assert sorted(group.count for group in manifest.unnamed) == [11, 49]
    (untrained,) = (line for line in manifest.checkpoints if line.reference == "baseline:untrained")
    assert (untrained.like, untrained.seed) == ("timm:resnet50", 0)


def test_an_unknown_manifest_is_refused_with_the_nearest() -> None:
    with pytest.raises(NotFoundError) as refused:
        find_manifest("prh-vall")
    assert "prh-val" in refused.value.hint


def test_a_manifest_of_the_users_own_is_called_like_its_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_bytes((FOLDER / "prh-test.toml").read_bytes())
    manifest = find_manifest(str(path))
    assert (manifest.name, len(manifest.checkpoints)) == ("mine", 8)


def test_a_small_manifest_needs_no_data_set() -> None:
    manifest = manifest_of("small", minimal())
    assert isinstance(manifest, Manifest)
    assert (manifest.dataset, manifest.target, manifest.corpus, manifest.rules) == (None, None, None, {})
    assert [line.name for line in chosen_lines(manifest, "pyth*")] == ["pythia-70m"]


@pytest.mark.parametrize("glob", ["vit-mae", "timm:*.mae", "vit_*_224.mae"])
def test_a_glob_goes_over_names_references_and_families(glob: str) -> None:
    assert len(chosen_lines(find_manifest("prh-val"), glob)) == 3


def test_a_glob_that_matches_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="has no checkpoint 'gpt\\*'"):
        chosen_lines(find_manifest("prh-val"), "gpt*")


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        (minimal() | {"titel": "x"}, "unknown key 'titel'"),
        (minimal(objektive="x"), "unknown key 'objektive'"),
        (minimal(checkpoints={"a": {"reference": "timm:a", "sed": 1}}), "checkpoint a: unknown key 'sed'"),
        (minimal() | {"dataset": {"name": "a", "order": "b"}}, "the key 'item_count' is missing"),
        (minimal() | {"dataset": {"name": "a", "order": "b", "item_count": True}}, "must be a whole number"),
        (minimal() | {"extraction": {"vision": {"pooling": "cls-else-mean", "layers": "x"}}}, "key 'layers'"),
        (minimal() | {"families": "all"}, "must be a list"),
        (minimal() | {"families": ["all"]}, "expected a table"),
        (minimal() | {"notes": [1]}, "must be texts"),
        (minimal(source="hearsay"), "'source' is 'hearsay'"),
        (minimal(modality="sound"), "'modality' is 'sound'"),
        (minimal(objective=" "), "'objective' is empty"),
        (minimal(checkpoints={"a": "hf:x/y", "b": "hf:x/y"}), "checkpoint hf:x/y is listed twice"),
        (minimal(checkpoints={"a": 3}), "expected a table, found 3"),
        ({"families": []}, "the key 'title' is missing"),
    ],
)
def test_what_no_manifest_holds_is_refused(table: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InputError) as refused:
        manifest_of("mine", table)
    assert sentence in refused.value.message
    assert refused.value.hint


@pytest.mark.parametrize(
    "table",
    [
        minimal(checkpoints={"a": "gpt2"}),
        minimal(checkpoints={"a b": "hf:x/y"}),
        minimal(checkpoints={"a": {"reference": "baseline:untrained", "like": "gpt2"}}),
        minimal() | {"extraction": {"vision": {"pooling": "max-of-all", "layer_rule": "intermediates"}}},
        minimal() | {"extraction": {"sound": {"pooling": "mean", "layer_rule": "intermediates"}}},
    ],
)
def test_references_names_and_rules_must_mean_something(table: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        manifest_of("mine", table)


@pytest.mark.parametrize("content", [b"title = ", b"\xff\xfe", b"[[", b"a = 1\na = 2", b"", b"\x00" * 50])
def test_a_file_that_is_no_manifest_is_one_sentence(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.toml"
    path.write_bytes(content)
    with pytest.raises(RegistryError) as refused:
        read_manifest(path)
    assert "\n" not in refused.value.message.strip()
    with pytest.raises(RegistryError, match="no such file"):
        read_manifest(tmp_path / "none.toml")


def test_the_manifests_go_into_the_wheel() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))
    assert "manifests/*.toml" in project["tool"]["setuptools"]["package-data"]["ingest"]
