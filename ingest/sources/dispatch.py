"""Which source answers for a checkpoint."""

from __future__ import annotations

from collections.abc import Sequence

from ingest.architectures import TimmArchitecture, blueprint_of, own_network_of
from ingest.extraction import Rule
from ingest.references import BaselineReference, parse_reference
from ingest.sources import baselines, hidden_states, own_networks, picture_states, timm_models
from ingest.sources.answers import Answer, Running
from registry.errors import EmbeddingMismatch, UsageError
from registry.items import Items
from registry.tables import Checkpoint


def answer(
    checkpoint: Checkpoint,
    name: str,
    items: Items,
    rule: Rule,
    running: Running,
) -> Answer:
    """Return a checkpoint's answer to the items of a data set.

    Args:
        checkpoint: whose.
        name: what the user calls it.
        items: of the data set.
        rule: the extraction.
        running: where, in which batches, and which code of others may run.

    Raises:
        UsageError: the checkpoint cannot be embedded, or not on several GPUs.
        InputError: its files, or an item, cannot be read.
        EmbeddingMismatch: the data set lacks what the checkpoint reads.
    """
    if "," in running.device and checkpoint.modality != "language":
        raise UsageError(
            f"{name} reads {checkpoint.modality}: only models of texts are spread over several GPUs",
            hint="start one 'cavewall embed extract' per GPU, each with its own checkpoints and --device",
        )
    reference = parse_reference(checkpoint.reference)
    if isinstance(reference, BaselineReference) and reference.kind == "pixels":
        return baselines.pixels(_images(items, name), items.ids, int(reference.size or 0))
    if isinstance(reference, BaselineReference) and reference.kind == "tf-idf":
        return baselines.tf_idf(chosen_texts(items, rule, name))
    if checkpoint.entry_point is not None:
        own = own_network_of(checkpoint, name, running.trust)
        return own_networks.extract(own, name, _images(items, name), items.ids, rule, running)
    blueprint = blueprint_of(checkpoint, name, running.trust)
    if isinstance(blueprint.architecture, TimmArchitecture):
        return timm_models.extract(blueprint, name, _images(items, name), items.ids, rule, running)
    if checkpoint.modality == "vision":
        return picture_states.extract(blueprint, name, _images(items, name), items.ids, rule, running)
    return hidden_states.extract(blueprint, name, chosen_texts(items, rule, name), items.ids, rule, running)


def _images(items: Items, name: str) -> Sequence[bytes]:
    if items.images is None:
        raise EmbeddingMismatch(
            f"{name} reads pictures, the data set has none", hint="choose another data set"
        )
    return items.images


def chosen_texts(items: Items, rule: Rule, name: str) -> list[str]:
    """Return the text of every item that the rule chooses.

    Raises:
        EmbeddingMismatch: the data set has no texts, or an item has too few.
    """
    if items.texts is None:
        raise EmbeddingMismatch(f"{name} reads texts, the data set has none", hint="choose another data set")
    index = rule.caption_index or 0
    for item_id, texts in zip(items.ids, items.texts, strict=True):
        if index >= len(texts):
            raise EmbeddingMismatch(
                f"item '{item_id}' has {len(texts)} texts, the extraction asks for caption {index}",
                hint="choose a smaller caption_index",
            )
    return [texts[index] for texts in items.texts]
