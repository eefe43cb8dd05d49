"""The grammar of references."""

from __future__ import annotations

import pytest

from ingest.references import (
    GRAMMAR,
    BaselineReference,
    HubReference,
    PathReference,
    TimmReference,
    check_name,
    default_name,
    parse_reference,
)
from registry.errors import UsageError


def test_timm_reference_is_a_name() -> None:
    assert parse_reference("timm:vit_base_patch14_dinov2.lvd142m") == TimmReference(
        "timm:vit_base_patch14_dinov2.lvd142m", "vit_base_patch14_dinov2.lvd142m"
    )


@pytest.mark.parametrize(
    ("text", "repository", "revision"),
    [
        ("hf:EleutherAI/pythia-410m@step143000", "EleutherAI/pythia-410m", "step143000"),
        ("hf:EleutherAI/pythia-410m", "EleutherAI/pythia-410m", "main"),
        ("hf:gpt2@refs/pr/1", "gpt2", "refs/pr/1"),
    ],
)
def test_hub_reference_has_a_revision(text: str, repository: str, revision: str) -> None:
    assert parse_reference(text) == HubReference(text, repository, revision)


def test_only_a_full_commit_hash_never_moves() -> None:
    assert HubReference("", "a/b", "0123456789" * 4).is_commit
    assert not HubReference("", "a/b", "0123456789" * 3).is_commit


def test_path_reference_keeps_colons_and_blanks() -> None:
    assert parse_reference("path:./runs/a b:c.safetensors") == PathReference(
        "path:./runs/a b:c.safetensors", "./runs/a b:c.safetensors"
    )


def test_pixels_are_32_by_32_unless_a_size_is_given() -> None:
    assert parse_reference("baseline:pixels") == BaselineReference("baseline:pixels", "pixels", 32)
    assert parse_reference("baseline:pixels:8") == BaselineReference("baseline:pixels:8", "pixels", 8)


@pytest.mark.parametrize(
    "text",
    [
        "", "dinov2-b", "timm:", "timm:a b", "hf:", "hf:a/b/c", "hf:a/b@", "hf:a/b@../../x", "hf:../x",
        "path:", "http://x", "baseline:", "baseline:pixels:", "baseline:pixels:0", "baseline:pixels:x",
        "baseline:pixels:²", "baseline:pixels:99999", "baseline:tf-idf:3", "baseline:random",
    ],
)  # fmt: skip
def test_what_is_no_reference_is_refused_with_the_grammar(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_reference(text)
    assert caught.value.hint == GRAMMAR


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("timm:vit_base_patch14_dinov2.lvd142m", "vit_base_patch14_dinov2.lvd142m"),
        ("hf:EleutherAI/pythia-410m@main", "pythia-410m"),
        ("hf:EleutherAI/pythia-410m@step1000", "pythia-410m-step1000"),
        ("hf:gpt2@" + "ab" * 20, "gpt2-abababab"),
        ("path:./runs/r7/step_2000.safetensors", "r7-step2000"),
        ("path:/x/minilm/", "minilm"),
        ("path:/x/minilm/model.safetensors", "minilm"),
        ("path:/x/my weights.safetensors", "my-weights"),
        ("baseline:pixels", "pixels"),
        ("baseline:pixels:8", "pixels-8"),
        ("baseline:tf-idf", "tf-idf"),
    ],
)
def test_default_names_come_from_the_reference(text: str, name: str) -> None:
    assert default_name(parse_reference(text)) == name


def test_a_point_of_a_series_is_named_by_its_step() -> None:
    assert default_name(parse_reference("path:a.safetensors"), prefix="r7", step=2000) == "r7-step2000"


def test_a_twin_is_named_by_what_it_is_a_twin_of_and_its_seed() -> None:
    assert (
        default_name(parse_reference("baseline:untrained"), like_name="test_vit", seed=3)
        == "test_vit-untrained-seed3"
    )


@pytest.mark.parametrize("name", ["", "a b", "a@step=1", "a*", "-a", ".a", "timm:a", "a/b", "ä ö"])
def test_a_name_that_could_be_something_else_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a name"):
        check_name(name)


def test_an_ordinary_name_is_kept() -> None:
    assert check_name("dinov2-b_1.0+x") == "dinov2-b_1.0+x"
