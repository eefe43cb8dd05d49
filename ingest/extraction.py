"""Rules for embedding: what is asked of a model, field by field; nothing that changes a number is hidden."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields

from sqlalchemy.orm import Session

from ingest.rows import get_or_add
from registry.clock import now
from registry.errors import UsageError
from registry.keys import content_key
from registry.tables import Extraction

CAPTION = "{caption}"
DTYPES = {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
"""What is computed in; the short name of each. Layers are pooled and stored as float32 whatever it is."""
_VISION = {
    "pooling": ("cls-else-mean", "cls", "mean", "max"),
    "layer_rule": ("intermediates+pooled", "intermediates"),
    "input_size": ("own",),
    "crop": ("none", "own"),
    "interpolation": ("own", "bicubic", "bilinear", "lanczos", "nearest"),
    "normalisation": ("own", "none"),
    "dtype": tuple(DTYPES.values()),
}
_LANGUAGE = {
    "pooling": ("mean", "cls", "last", "max"),
    "layer_rule": ("hidden-states",),
    "tokenizer_revision": ("own",),
    "special_tokens": ("own", "none"),
    "padding_side": ("own", "left", "right"),
    "dtype": tuple(DTYPES.values()),
}
_SUPPORTED = {"vision": _VISION, "language": _LANGUAGE}
_TEXT_ONLY = (
    "prompt", "caption_index", "tokenizer_revision", "special_tokens", "padding_side", "maximum_tokens",
)  # fmt: skip
_PICTURES_ONLY = ("input_size", "crop", "interpolation", "normalisation")
_MEANINGLESS = {"vision": _TEXT_ONLY, "language": _PICTURES_ONLY}


@dataclass(frozen=True)
class Rule:
    """One rule; the fields are the columns of the table `extraction`, None where one has no meaning.

    `own` means the checkpoint's own; what that was stands on each embedding. Baselines have no tokens and no
    layers to choose from: their pooling and layers are their own whatever the rule says.
    """

    modality: str
    pooling: str
    layer_rule: str
    dtype: str = "float32"
    input_size: str | None = None
    crop: str | None = None
    interpolation: str | None = None
    normalisation: str | None = None
    prompt: str | None = None
    caption_index: int | None = None
    tokenizer_revision: str | None = None
    special_tokens: str | None = None
    padding_side: str | None = None
    maximum_tokens: str | None = None
    quantisation: str | None = None

    @property
    def content_key(self) -> str:
        """Return the identity of the rule: all its fields."""
        return content_key("extraction", asdict(self))


def default_rule(modality: str) -> Rule:
    """Return the rule that a modality is embedded by unless the user says otherwise.

    Raises:
        UsageError: there is no such modality.
    """
    if modality == "vision":
        return Rule(
            modality="vision",
            pooling="cls-else-mean",
            layer_rule="intermediates+pooled",
            input_size="own",
            crop="none",
            interpolation="own",
            normalisation="own",
        )
    if modality == "language":
        return Rule(
            modality="language",
            pooling="mean",
            layer_rule="hidden-states",
            caption_index=0,
            tokenizer_revision="own",
            special_tokens="own",
            padding_side="own",
            maximum_tokens="own",
        )
    raise UsageError(f"there is no modality '{modality}'", hint="the modalities are vision and language")


def check_rule(rule: Rule) -> None:
    """Refuse a rule that extraction cannot follow.

    Raises:
        UsageError: a field holds something else than what is supported.
    """
    if rule.modality not in _SUPPORTED:
        default_rule(rule.modality)
    for field, words in _SUPPORTED[rule.modality].items():
        value = getattr(rule, field)
        if value not in words:
            raise UsageError(
                f"extraction: {field} '{value}' is not supported for {rule.modality}",
                hint=f"use {' | '.join(words)}",
            )
    other = "language" if rule.modality == "vision" else "vision"
    for field in _MEANINGLESS[rule.modality]:
        if getattr(rule, field) is not None:
            raise UsageError(
                f"extraction: {field} has no meaning for {rule.modality}",
                hint=f"leave it out, or say whose it is: {other}.{field}",
            )
    if rule.quantisation is not None:
        raise UsageError("extraction: quantisation is not supported", hint="leave it out")
    if rule.modality == "language":
        _check_text_fields(rule)


def _check_text_fields(rule: Rule) -> None:
    if rule.prompt is not None and CAPTION not in rule.prompt:
        raise UsageError(
            f"extraction: the prompt has no {CAPTION}", hint=f"write {CAPTION} where the text belongs"
        )
    if rule.caption_index is None or rule.caption_index < 0:
        raise UsageError(f"extraction: caption_index is {rule.caption_index}", hint="count captions from 0")
    tokens = str(rule.maximum_tokens)
    if tokens != "own" and not (tokens.isascii() and tokens.isdigit() and int(tokens) > 0):
        raise UsageError(f"extraction: maximum_tokens is '{tokens}'", hint="use own or a number above 0")


def prompted(rule: Rule, text: str) -> str:
    """Return a text inside the rule's prompt, or as it is."""
    return text if rule.prompt is None else rule.prompt.replace(CAPTION, text)


def rule_of(row: Extraction) -> Rule:
    """Return the rule that a row holds."""
    return Rule(**{field.name: getattr(row, field.name) for field in fields(Rule)})


def ensure_extraction(session: Session, rule: Rule) -> Extraction:
    """Return the row of a rule, which is made on first use."""
    return get_or_add(
        session,
        Extraction,
        Extraction.content_key == rule.content_key,
        lambda: Extraction(content_key=rule.content_key, created_at=now(), **asdict(rule)),
    )
