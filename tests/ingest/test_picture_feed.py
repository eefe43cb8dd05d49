"""Pictures decoded by other processes are those decoded here, in the same order."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ingest.architectures import Blueprint, FileWeights, TimmArchitecture
from ingest.extraction import default_rule
from ingest.sources.answers import Answer, Running
from ingest.sources.picture_feed import picture_feed
from ingest.sources.picture_preparation import Preparation
from ingest.sources.timm_catalogue import find_entry
from ingest.sources.timm_models import extract
from registry.errors import InputError
from registry.items import Items
from tests.ingest.conftest import make_items

torch.set_num_threads(1)
RULE = default_rule("vision")


def extracted(vit_file: Path, items: Items, **running: int) -> Answer:
    blueprint = Blueprint(TimmArchitecture(find_entry("test_vit").name), FileWeights(vit_file))
    return extract(blueprint, "m", items.images or [], items.ids, RULE, Running(**running))  # type: ignore[arg-type]


def test_four_workers_give_bit_identical_embeddings(vit_file: Path) -> None:
    items = make_items(23)
    alone = extracted(vit_file, items, batch_size=3)
    helped = extracted(vit_file, items, batch_size=3, workers=4)
    assert list(alone.layers) == list(helped.layers)
    for name, rows in alone.layers.items():
        assert rows.tobytes() == helped.layers[name].tobytes(), name
    assert len(np.unique(alone.layers["blocks.5"], axis=0)) == 23  # an order that is wrong would show


@pytest.mark.parametrize("workers", [0, 2])
def test_any_slices_come_in_the_order_asked_for(workers: int) -> None:
    items = make_items(9)
    prepare = Preparation(RULE, size=(8, 8), interpolation="bicubic", mean=(0.5,) * 3, std=(0.5,) * 3)
    parts = [slice(6, 9), slice(0, 2), slice(3, 4)]
    state = torch.random.get_rng_state()
    feed = picture_feed(prepare, items.images or [], items.ids, workers=workers)
    found = list(feed(parts))
    assert torch.equal(torch.random.get_rng_state(), state)
    for part, batch in zip(parts, found, strict=True):
        assert torch.equal(batch, prepare((items.images or [])[part], items.ids[part]))
    assert list(feed([])) == []


def test_a_broken_picture_is_named_by_a_worker_too(vit_file: Path) -> None:
    items = make_items(6)
    broken = replace(items, images=[*(items.images or [])[:5], b"x"])
    with pytest.raises(InputError, match="item 'item5' is not a picture that can be read") as caught:
        extracted(vit_file, broken, batch_size=2, workers=1)
    assert "\n" not in caught.value.message
    assert caught.value.hint
