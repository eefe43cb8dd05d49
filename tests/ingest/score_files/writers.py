"""Small files of scores in every format, made here, and checkpoints to match their names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ingest.score_files.claims import ParsedFile, Reading
from ingest.score_files.formats import read_scores
from ingest.score_files.tables import OutsideFile
from registry.clock import now
from registry.handle import Registry
from registry.keys import content_key
from registry.tables import Checkpoint, Name

TIMM_HEADER = "model,img_size,top1,top1_err,top5,top5_err,param_count,crop_pct,interpolation"


def add_named(registry: Registry, names: Mapping[str, str], **facts: Any) -> dict[str, int]:
    """Register checkpoints without weights by name and reference, and return their ids."""
    found = {}
    with registry.write() as session:
        for name, reference in names.items():
            row = Checkpoint(
                content_key=content_key("checkpoint", {"name": name}),
                source=reference.partition(":")[0],
                reference=reference,
                modality="vision",
                architecture="made-up",
                visibility="private",
                attributes={},
                registered_at=now(),
                **facts,
            )
            session.add(row)
            session.flush()
            session.add(Name(name=name, checkpoint_id=row.id, started_at=now()))
            found[name] = row.id
    return found


def parsed(text: str | bytes, name: str = "table.csv", form: str | None = None, **how: Any) -> ParsedFile:
    """Read a file that is only bytes."""
    data = text.encode() if isinstance(text, str) else text
    return read_scores(OutsideFile(name, data), form, Reading(**how))


def timm_line(
    model: str, top1: float = 80.0, top5: float = 95.0, size: int = 224, count: str = "25.0"
) -> str:
    return f'{model},{size},{top1},{100 - top1:.3f},{top5},{100 - top5:.3f},"{count}",0.900,bicubic'


def timm_table(*lines: str) -> str:
    return "\n".join([TIMM_HEADER, *lines]) + "\n"


def lm_eval(model: str = "org/one-1b", **changes: Any) -> dict[str, Any]:
    """Return the document of one evaluation as the harness writes it."""
    return {
        "results": {
            "hellaswag": {
                "alias": "hellaswag",
                "acc,none": 0.4,
                "acc_stderr,none": 0.005,
                "acc_norm,none": 0.5,
                "acc_norm_stderr,none": 0.006,
            },
            "gsm8k": {
                "alias": "gsm8k",
                "exact_match,strict-match": 0.10,
                "exact_match_stderr,strict-match": "N/A",
                "exact_match,flexible-extract": 0.12,
                "exact_match_stderr,flexible-extract": 0.01,
            },
            "wikitext": {"alias": "wikitext", "word_perplexity,none": 12.5, "bits_per_byte,none": 0.7},
        },
        "n-shot": {"hellaswag": 10, "gsm8k": 5, "wikitext": 0},
        "versions": {"hellaswag": 1.0, "gsm8k": 3.0, "wikitext": 2.0},
        "n-samples": {"gsm8k": {"original": 1319, "effective": 1319}},
        "higher_is_better": {"wikitext": {"word_perplexity": False, "bits_per_byte": False}},
        "config": {"model": "hf", "model_args": f"pretrained={model},dtype=bfloat16"},
        "date": 1769904000.0,
    } | changes


def write(folder: Path, name: str, content: str | Mapping[str, Any] | Sequence[Any]) -> Path:
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path
