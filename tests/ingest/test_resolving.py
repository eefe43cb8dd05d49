"""What references were when they were resolved."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import timm
import torch
import transformers
from safetensors.torch import load_file, save_file

from ingest.references import parse_reference
from ingest.resolving import Resolved, resolve
from registry.errors import InputError, UsageError
from registry.keys import sha256_of_file
from tests.ingest.conftest import CacheModel, files_of, write_json


def resolved(text: str, like: str | None = None, **options: object) -> Resolved:
    return resolve(parse_reference(text), like=None if like is None else parse_reference(like), **options)


def count(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_a_weight_file_is_its_digest_and_its_parameters_are_counted(vit_file: Path) -> None:
    found = resolved(f"path:{vit_file}", "timm:test_vit")
    assert found.revision == sha256_of_file(vit_file)
    assert found.resolved == f"sha256:{found.revision}"
    assert found.location == str(vit_file)
    assert (found.like, found.architecture, found.modality) == (
        "timm:test_vit.r160_in1k",
        "test_vit",
        "vision",
    )
    assert found.parameter_count == count(timm.create_model("test_vit", pretrained=False))


def test_buffers_are_no_parameters(efficientnet_file: Path) -> None:
    found = resolved(f"path:{efficientnet_file}", "timm:test_efficientnet")
    assert found.parameter_count == count(timm.create_model("test_efficientnet", pretrained=False))
    assert resolved(f"path:{efficientnet_file}").parameter_count > (found.parameter_count or 0)


def test_a_torch_file_is_taken_too(tmp_path: Path, vit_file: Path) -> None:
    path = tmp_path / "vit.pth"
    torch.save(load_file(vit_file), path)
    assert resolved(f"path:{path}", "timm:test_vit").architecture == "test_vit"


def test_weights_that_do_not_fit_are_refused(
    vit_file: Path, efficientnet_file: Path, bert_folder: Path
) -> None:
    with pytest.raises(InputError, match=r"does not fit timm:test_vit\.r160_in1k: '.*' is missing"):
        resolved(f"path:{efficientnet_file}", "timm:test_vit")
    with pytest.raises(InputError, match=r"does not fit path:.*is missing"):
        resolved(f"path:{vit_file}", f"path:{bert_folder}")


def test_a_tensor_of_another_shape_is_named(tmp_path: Path, vit_file: Path) -> None:
    state = load_file(vit_file)
    state["head.bias"] = state["head.bias"][:-1]
    path = tmp_path / "vit.safetensors"
    save_file(state, path)
    with pytest.raises(InputError, match=r"'head.bias' has shape \[999\], expected \[1000\]"):
        resolved(f"path:{path}", "timm:test_vit")


def test_a_language_model_file_fits_its_folder(tmp_path: Path, neox_folder: Path) -> None:
    path = tmp_path / "step.safetensors"
    shutil.copy(neox_folder / "model.safetensors", path)
    found = resolved(f"path:{path}", f"path:{neox_folder}")
    model = transformers.GPTNeoXForCausalLM.from_pretrained(neox_folder)
    assert (found.architecture, found.modality) == ("gpt_neox", "language")
    assert found.parameter_count == count(model)


def test_weights_without_a_head_fit_too(tmp_path: Path, neox_folder: Path) -> None:
    path = tmp_path / "base.safetensors"
    model = transformers.GPTNeoXModel.from_pretrained(neox_folder)
    save_file(model.state_dict(), path)
    assert resolved(f"path:{path}", f"path:{neox_folder}").architecture == "gpt_neox"


def test_tied_weights_may_be_left_out(tmp_path: Path) -> None:
    config = transformers.GPT2Config(vocab_size=20, n_embd=8, n_layer=1, n_head=1, n_positions=16)
    transformers.GPT2LMHeadModel(config).save_pretrained(tmp_path / "gpt2")
    state = load_file(tmp_path / "gpt2" / "model.safetensors")
    assert "lm_head.weight" not in state
    save_file(state, tmp_path / "step.safetensors")
    found = resolved(f"path:{tmp_path}/step.safetensors", f"path:{tmp_path}/gpt2")
    assert found.architecture == "gpt2"


def test_a_file_alone_is_registered_by_its_shapes(vit_file: Path, neox_folder: Path) -> None:
    picture = resolved(f"path:{vit_file}")
    assert (picture.architecture, picture.modality) == ("unknown", "vision")
    assert resolved(f"path:{neox_folder / 'model.safetensors'}").modality == "language"
    assert resolved(f"path:{vit_file}", modality="language").modality == "language"


def test_a_folder_is_the_digest_of_what_makes_the_model(tmp_path: Path, bert_folder: Path) -> None:
    found = resolved(f"path:{bert_folder}")
    assert (found.architecture, found.modality) == ("bert", "language")
    assert found.parameter_count == count(transformers.BertModel.from_pretrained(bert_folder))
    copy = tmp_path / "copy"
    shutil.copytree(bert_folder, copy)
    (copy / "README.md").write_text("not part of the model")
    assert resolved(f"path:{copy}").resolved == found.resolved
    (copy / "vocab.txt").write_text("[PAD]\n[UNK]\n")
    assert resolved(f"path:{copy}").resolved != found.resolved


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [("config.json", "is not a model folder"), ("model.safetensors", "has no safetensors file")],
)
def test_an_incomplete_folder_is_refused(
    tmp_path: Path, bert_folder: Path, missing: str, sentence: str
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert_folder, copy)
    (copy / missing).unlink()
    with pytest.raises(InputError, match=sentence):
        resolved(f"path:{copy}")


def test_a_folder_with_a_truncated_file_is_refused(tmp_path: Path, bert_folder: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert_folder, copy)
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    with pytest.raises(InputError, match="is truncated"):
        resolved(f"path:{copy}")
    (copy / "config.json").write_text("{")
    with pytest.raises(InputError, match="is not JSON"):
        resolved(f"path:{copy}")


def test_a_timm_model_is_the_commit_of_its_repository(cache_model: CacheModel, tmp_path: Path) -> None:
    config = write_json(tmp_path / "config.json", {})
    commit = cache_model("timm/test_vit.r160_in1k", {"config.json": config})
    for text in ("timm:test_vit", "timm:test_vit.r160_in1k"):
        found = resolved(text)
        assert (found.resolved, found.revision) == (f"timm/test_vit.r160_in1k@{commit}", commit)
        assert (found.architecture, found.training_data, found.licence) == (
            "test_vit",
            "ImageNet-1k",
            "apache-2.0",
        )


@pytest.mark.usefixtures("hub_cache")
def test_what_cannot_be_resolved_is_floating() -> None:
    assert resolved("timm:test_vit").resolved is None
    assert resolved("hf:org/model@main").resolved is None


@pytest.mark.usefixtures("hub_cache")
def test_a_full_commit_is_resolved_without_a_look() -> None:
    found = resolved("hf:org/model@" + "d" * 40)
    assert (found.resolved, found.architecture) == (f"org/model@{'d' * 40}", "unknown")


def test_a_hub_model_is_counted_from_its_configuration(cache_model: CacheModel, neox_folder: Path) -> None:
    commit = cache_model("org/neox", {"config.json": neox_folder / "config.json"}, revision="step1")
    found = resolved("hf:org/neox@step1")
    assert (found.resolved, found.architecture) == (f"org/neox@{commit}", "gpt_neox")
    assert found.parameter_count == count(transformers.GPTNeoXForCausalLM.from_pretrained(neox_folder))


def test_a_timm_repository_asks_for_the_timm_reference(cache_model: CacheModel, tmp_path: Path) -> None:
    config = write_json(tmp_path / "config.json", {"architecture": "test_vit", "pretrained_cfg": {}})
    cache_model("timm/test_vit.r160_in1k", {"config.json": config})
    with pytest.raises(UsageError, match="is a timm model") as caught:
        resolved("hf:timm/test_vit.r160_in1k")
    assert caught.value.hint == "register it as timm:test_vit.r160_in1k"


def test_unknown_timm_names_come_with_the_nearest() -> None:
    with pytest.raises(InputError, match="no such timm model: vit_bse_patch16_224") as caught:
        resolved("timm:vit_bse_patch16_224.augreg_in21k")
    assert "vit_base_patch16_224.augreg_in21k" in caught.value.hint
    with pytest.raises(InputError, match="no weights with the tag 'r160_in2k'") as caught:
        resolved("timm:test_vit.r160_in2k")
    assert caught.value.hint == "did you mean test_vit.r160_in1k ?"


def test_a_twin_is_its_architecture_and_its_seed(bert_folder: Path) -> None:
    zero = resolved("baseline:untrained", "timm:test_vit")
    one = resolved("baseline:untrained", "timm:test_vit", seed=1)
    assert (zero.seed, one.seed) == (0, 1)
    assert zero.resolved == "untrained;like=timm:test_vit.r160_in1k;seed=0"
    assert one.resolved == "untrained;like=timm:test_vit.r160_in1k;seed=1"
    assert (one.source, one.architecture, one.modality) == ("baseline", "test_vit", "vision")
    assert resolved("baseline:untrained", f"path:{bert_folder}").modality == "language"


def test_a_twin_of_a_folder_does_not_depend_on_the_trained_weights(tmp_path: Path, bert_folder: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(bert_folder, copy)
    (copy / "model.safetensors").unlink()
    here, there = (resolved("baseline:untrained", f"path:{folder}") for folder in (bert_folder, copy))
    assert here.resolved == there.resolved


def test_a_twin_of_a_hub_model_is_pinned_to_its_commit(cache_model: CacheModel, bert_folder: Path) -> None:
    commit = cache_model("org/bert", files_of(bert_folder))
    assert resolved("baseline:untrained", "hf:org/bert").like == f"hf:org/bert@{commit}"


@pytest.mark.usefixtures("hub_cache")
def test_options_without_meaning_are_refused(bert_folder: Path) -> None:
    with pytest.raises(UsageError, match="--like has no meaning for timm:test_vit"):
        resolved("timm:test_vit", "timm:test_vit")
    with pytest.raises(UsageError, match="--like has no meaning for the folder"):
        resolved(f"path:{bert_folder}", "timm:test_vit")
    with pytest.raises(UsageError, match="whose twin"):
        resolved("baseline:untrained")
    with pytest.raises(UsageError, match="seed -1 is out of range"):
        resolved("baseline:untrained", "timm:test_vit", seed=-1)
    with pytest.raises(UsageError, match="names no architecture"):
        resolved("baseline:untrained", "baseline:pixels")
    with pytest.raises(InputError, match="--like hf:org/model: not in the local cache"):
        resolved("baseline:untrained", "hf:org/model")


def test_baselines_have_no_parameters() -> None:
    assert resolved("baseline:pixels").parameter_count == 0
    assert resolved("baseline:pixels:8").resolved == "pixels:8"
    assert resolved("baseline:tf-idf").modality == "language"
