"""Which extraction rules a new target takes: what the user says, what is in use, or the default."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from registry.errors import UsageError

if TYPE_CHECKING:
    from registry.handle import Registry
    from registry.tables import Extraction


def extraction_ids(registry: Registry, dataset: str | None, keys: Sequence[str]) -> list[int]:
    """Return one rule for each modality of a data set, and of what was compared on its items elsewhere.

    Args:
        registry: where.
        dataset: its name; None where there is only one.
        keys: the beginnings of content keys, if the user gave any.

    Raises:
        NotFoundError: there is no such data set or rule.
        UsageError: a modality's embeddings were made by several rules, so that one must be named.
    """
    from ingest.extraction import default_rule, ensure_extraction
    from registry.extractions import extractions_in_use, find_extraction
    from registry.lookup import find_dataset

    with registry.write() as session:
        row = find_dataset(session, dataset)
        chosen = {rule.modality: rule for rule in (find_extraction(session, key) for key in keys)}
        used = _by_modality(extractions_in_use(session, row.id))
        for modality in dict.fromkeys((*row.modalities, *used)) if not keys else ():
            rules = used.get(modality) or [ensure_extraction(session, default_rule(modality))]
            if len(rules) > 1:
                raise UsageError(
                    f"{row.name} has {modality} embeddings by {len(rules)} rules",
                    hint="say which: "
                    + " or ".join(f"--extraction {rule.content_key[:12]}" for rule in rules),
                )
            chosen[modality] = rules[0]
        session.flush()
        return [rule.id for rule in chosen.values()]


def _by_modality(rules: Sequence[Extraction]) -> dict[str, list[Extraction]]:
    found: dict[str, list[Extraction]] = {}
    for rule in rules:
        found.setdefault(rule.modality, []).append(rule)
    return found
