"""What is known of how somebody else's embeddings were made: the pooling, and that the rest is not."""

from __future__ import annotations

from ingest.extraction import Rule, default_rule

IMPORTED = "imported"


def imported_rule(modality: str, pooling: str | None) -> Rule:
    """Return the rule of embeddings that came as files.

    `imported` means that whoever made them decided, and that nothing says how. Which caption was read is not
    known either, and NULL. Matrices have the rule of features, so that both can stand in one target.

    Args:
        modality: what the checkpoint reads.
        pooling: as the user or the file says; `imported` where neither does.

    Raises:
        UsageError: there is no such modality.
    """
    default_rule(modality)
    if modality == "vision":
        return Rule(
            modality=modality,
            pooling=pooling or IMPORTED,
            layer_rule=IMPORTED,
            dtype=IMPORTED,
            input_size=IMPORTED,
            crop=IMPORTED,
            interpolation=IMPORTED,
            normalisation=IMPORTED,
        )
    return Rule(
        modality=modality,
        pooling=pooling or IMPORTED,
        layer_rule=IMPORTED,
        dtype=IMPORTED,
        tokenizer_revision=IMPORTED,
        special_tokens=IMPORTED,
        padding_side=IMPORTED,
        maximum_tokens=IMPORTED,
    )
