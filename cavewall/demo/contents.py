"""What the demo's zoo holds, and how each thing comes into it: by the calls that any zoo is filled with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from cavewall.demo.emoji import EmojiSet
from cavewall.demo.training import DEMO_RECIPE, train
from cavewall.demo.unicode_names import character_names
from cavewall.demo.weights import LITE_NETWORKS, minilm_folder, write_lite_network
from cavewall.rules import extraction_ids
from compute.targets import AddedTarget, NullRule, TargetRule, add_target
from ingest.batteries import DefinedBattery, define_battery
from ingest.checkpoints import Added, add_checkpoint
from ingest.datasets import AddedDataset, add_dataset
from ingest.exclusions import SharedWords, add_exclusion
from ingest.items_from_files import items_from_arrays
from registry.handle import Registry

DATASET = "emoji-1001"
SERIES = "unicode-names"
SHARED_WORD = "shared-word"
BATTERY = "emoji-19"
TASKS = ("category", "subcategory:18")
DRAWS = 200
MINILM = "minilm-l6"
CREDIT = "pictures: Twemoji, CC-BY 4.0; names: Unicode CLDR, by the package emoji"

Told = Callable[[str], None]


def lite_name(index: int) -> str:
    """Return what the demo calls an EfficientNet-Lite."""
    return f"efficientnet-lite{index}"


def add_emoji(registry: Registry, emoji: EmojiSet) -> AddedDataset:
    """Register the pictures and names as the data set emoji-1001."""
    items = items_from_arrays(emoji.images, ids=emoji.ids, texts=emoji.names)
    classes = {"category": list(emoji.categories), "subcategory": list(emoji.subcategories)}
    return add_dataset(registry, DATASET, replace(items, extra=classes), credit=CREDIT)


def add_targets(registry: Registry) -> list[AddedTarget]:
    """Say what ought to exist: every pair, and every pair again without neighbours that share a word."""
    add_exclusion(registry, DATASET, SHARED_WORD, SharedWords())
    extractions = extraction_ids(registry, DATASET, ())
    return [
        add_target(registry, DATASET, extractions, TargetRule(recipe=recipe, null=NullRule(draws=DRAWS)))
        for recipe in ("cosine", f"exclude:{SHARED_WORD},cosine")
    ]


def add_battery(registry: Registry, dataset_id: int) -> DefinedBattery:
    """Define nineteen tasks with real answers: what kind of thing an emoji shows."""
    return define_battery(registry, BATTERY, dataset_id, TASKS, stratify="subcategory")


def add_pretrained(registry: Registry, folder: Path) -> list[Added]:
    """Register the networks whose weights come with packages, after their digests were checked."""
    added = [
        add_checkpoint(
            registry,
            f"path:{write_lite_network(network, folder / 'weights')}",
            like=f"timm:{network.timm_name}",
            name=lite_name(index),
            family="efficientnet-lite",
            objective="supervised classification",
            training_data="ImageNet-1k",
            licence="Apache-2.0",
        )
        for index, network in enumerate(LITE_NETWORKS)
    ]
    minilm = add_checkpoint(
        registry,
        f"path:{minilm_folder()}",
        name=MINILM,
        family="minilm",
        objective="contrastive on sentence pairs",
        training_data="1.17 billion sentence pairs",
        licence="Apache-2.0",
    )
    return [*added, minilm]


def add_baselines(registry: Registry) -> list[Added]:
    """Register what the trained networks are compared with: untrained twins, raw pixels, counted words."""
    lite, twin = f"timm:{LITE_NETWORKS[0].timm_name}", f"{lite_name(0)}-untrained"
    untrained = "baseline:untrained"
    return [
        add_checkpoint(registry, untrained, like=lite, seed=0, name=f"{twin}-0"),
        add_checkpoint(registry, untrained, like=lite, seed=1, name=f"{twin}-1"),
        add_checkpoint(registry, untrained, like=MINILM, seed=0, name=f"{MINILM}-untrained-0"),
        add_checkpoint(registry, "baseline:pixels", name="pixels"),
        add_checkpoint(registry, "baseline:tf-idf", name="tf-idf"),
    ]


def train_and_add(registry: Registry, folder: Path, emoji: EmojiSet) -> list[Added]:
    """Train a small language model and register each of its checkpoints as soon as it lies there."""
    added: list[Added] = []

    def register(saved: Path, step: int, tokens_seen: int) -> None:
        added.append(
            add_checkpoint(
                registry,
                f"path:{saved}",
                series=SERIES,
                step=step,
                tokens_seen=tokens_seen,
                seed=DEMO_RECIPE.seed,
                objective="next byte",
                training_data="names of Unicode characters",
                attributes={"lr": DEMO_RECIPE.learning_rate, "width": DEMO_RECIPE.width},
            )
        )

    names = character_names(without={int(item_id, 16) for item_id in emoji.ids})
    train(names, folder / "training", on_checkpoint=register)
    return added
