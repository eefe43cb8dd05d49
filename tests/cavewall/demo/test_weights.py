from pathlib import Path

import pytest

from cavewall.demo.weights import (
    LITE_NETWORKS,
    MINILM,
    LiteNetwork,
    minilm_folder,
    pinned_file,
    timm_names,
    write_lite_network,
)
from registry.errors import ConflictError, InputError
from registry.keys import sha256_of_file
from tests.cavewall.demo.installing import put_in_front

lite_networks = pytest.mark.parametrize("size", [0, 1, 2])
SIDES = {0: 224, 1: 240, 2: 260}


def photographs(side: int):  # type: ignore[no-untyped-def]
    """Return a temple and a flower, scikit-learn's two photographs, as the networks take them."""
    import numpy as np
    import torch
    from PIL import Image
    from sklearn.datasets import load_sample_image

    pictures = [Image.fromarray(load_sample_image(name)) for name in ("china.jpg", "flower.jpg")]
    resized = [np.asarray(picture.resize((side, side), Image.Resampling.BICUBIC)) for picture in pictures]
    return torch.from_numpy(np.stack(resized)).permute(0, 3, 1, 2).float() / 127.5 - 1


def loaded(network: LiteNetwork, folder: Path):  # type: ignore[no-untyped-def]
    import timm
    from safetensors.torch import load_file

    model = timm.create_model(network.timm_name)
    model.load_state_dict(load_file(write_lite_network(network, folder)), strict=True)
    return model.eval()


def test_blocks_are_counted_within_their_stages() -> None:
    keys = [
        "_conv_stem.weight",
        "_bn0.running_mean",
        "_blocks.0._depthwise_conv.weight",
        "_blocks.0._bn1.bias",
        "_blocks.0._project_conv.weight",
        "_blocks.0._bn2.num_batches_tracked",
        "_blocks.1._expand_conv.weight",
        "_blocks.1._bn0.weight",
        "_blocks.1._depthwise_conv.weight",
        "_blocks.1._bn1.bias",
        "_blocks.2._expand_conv.weight",
        "_blocks.2._project_conv.weight",
        "_blocks.2._bn2.running_var",
        "_conv_head.weight",
        "_bn1.weight",
        "_fc.bias",
    ]
    assert list(timm_names(keys, (1, 2)).values()) == [
        "conv_stem.weight",
        "bn1.running_mean",
        "blocks.0.0.conv_dw.weight",
        "blocks.0.0.bn1.bias",
        "blocks.0.0.conv_pw.weight",
        "blocks.0.0.bn2.num_batches_tracked",
        "blocks.1.0.conv_pw.weight",
        "blocks.1.0.bn1.weight",
        "blocks.1.0.conv_dw.weight",
        "blocks.1.0.bn2.bias",
        "blocks.1.1.conv_pw.weight",
        "blocks.1.1.conv_pwl.weight",
        "blocks.1.1.bn3.running_var",
        "conv_head.weight",
        "bn2.weight",
        "classifier.bias",
    ]


@pytest.mark.parametrize(
    "key", ["_blocks.0._se_reduce.weight", "_fc_extra.weight", "module._fc.weight", "weight"]
)
def test_an_unknown_name_is_refused(key: str) -> None:
    with pytest.raises(ValueError, match="is not a tensor of an EfficientNet-Lite"):
        timm_names(["_blocks.0._bn1.weight", key], (1,))


def test_another_number_of_blocks_is_refused() -> None:
    with pytest.raises(ValueError, match="have 1 blocks, the stages 3"):
        timm_names(["_blocks.0._bn1.weight"], (1, 2))


@lite_networks
def test_weights_with_another_digest_are_refused(
    size: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    weights = LITE_NETWORKS[size].weights
    changed = put_in_front(weights.package, monkeypatch, tmp_path / "site") / weights.file
    changed.parent.mkdir()
    changed.write_bytes(b"other weights")
    with pytest.raises(InputError, match=f"the demo uses the weights with {weights.sha256[:12]}… only"):
        write_lite_network(LITE_NETWORKS[size], tmp_path / "zoo")
    assert not (tmp_path / "zoo").exists()


def test_a_language_model_without_its_tokenizer_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    installed = minilm_folder()
    copy = put_in_front(MINILM.package, monkeypatch, tmp_path) / "model"
    copy.mkdir()
    for name in ("model.safetensors", "config.json", "tokenizer_config.json", "vocab.txt"):
        (copy / name).symlink_to(installed / name)
    with pytest.raises(InputError, match=r"lacks its file model/tokenizer\.json"):
        minilm_folder()


@pytest.mark.slow
@lite_networks
def test_a_lite_network_gives_the_logits_of_its_definition(size: int, tmp_path: Path) -> None:
    import torch

    from tests.cavewall.demo import lite_network

    network = LITE_NETWORKS[size]
    state = torch.load(pinned_file(network.weights), weights_only=True)
    pictures = photographs(SIDES[size])
    with torch.inference_mode():
        found = loaded(network, tmp_path)(pictures)
        expected = lite_network.logits(state, pictures, size=size)
    # float32 through 50 convolutions in another order of sums; a wrong name moves logits by whole units
    assert torch.allclose(found, expected, atol=1e-4, rtol=1e-4)
    assert found.std() > 0.5


@pytest.mark.slow
@lite_networks
def test_a_lite_network_sees_what_a_photograph_shows(size: int, tmp_path: Path) -> None:
    import torch
    from timm.data import ImageNetInfo

    with torch.inference_mode():
        scores = loaded(LITE_NETWORKS[size], tmp_path)(photographs(SIDES[size]))
    best = scores[0].topk(5).indices  # the first is a Chinese temple
    assert "palace" in {ImageNetInfo().index_to_description(int(place)) for place in best}


@pytest.mark.slow
def test_the_same_weights_give_the_same_file_which_is_kept(tmp_path: Path) -> None:
    first = write_lite_network(LITE_NETWORKS[0], tmp_path / "a")
    second = write_lite_network(LITE_NETWORKS[0], tmp_path / "b")
    assert first.name == "tf_efficientnet_lite0.safetensors"
    assert sha256_of_file(first) == sha256_of_file(second)
    written = first.stat().st_mtime_ns
    write_lite_network(LITE_NETWORKS[0], tmp_path / "a")
    assert first.stat().st_mtime_ns == written
    assert [path.name for path in (tmp_path / "a").iterdir()] == [first.name]


@pytest.mark.slow
def test_another_file_under_the_name_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "tf_efficientnet_lite0.safetensors").write_bytes(b"mine")
    with pytest.raises(ConflictError):
        write_lite_network(LITE_NETWORKS[0], tmp_path)
    assert (tmp_path / "tf_efficientnet_lite0.safetensors").read_bytes() == b"mine"


@pytest.mark.slow
def test_minilm_loads_from_its_folder_and_knows_a_cat_from_a_car() -> None:
    import torch
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(minilm_folder()).eval()
    tokenizer = AutoTokenizer.from_pretrained(minilm_folder())
    batch = tokenizer(["a cat", "a small kitten", "a car"], padding=True, return_tensors="pt")
    with torch.inference_mode():
        states = model(**batch, output_hidden_states=True).hidden_states
    assert len(states) == 7
    mask = batch["attention_mask"][..., None]
    means = torch.nn.functional.normalize((states[-1] * mask).sum(1) / mask.sum(1))
    cat, kitten, car = means
    assert cat @ kitten > cat @ car + 0.2
