"""Data sets, extraction rules, and the files that come of a checkpoint, a data set and a rule."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from registry.tables.declarative import Digest, Identifier, Table, one_of

EmbeddingStatus = Literal["ready", "missing", "corrupt", "superseded"]


class Dataset(Table):
    """A fixed, ordered set of items at a revision; row i of every embedding is its item i.

    The items are a Parquet sidecar in the store: `item_id`, then `image` (encoded bytes), `texts` (a list)
    and `group_id` where the data set has them.
    """

    __tablename__ = "dataset"
    __table_args__ = (
        one_of("pairing", ("one-to-one", "grouped")),
        CheckConstraint("item_count > 1", name="item_count_above_one"),
    )

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(unique=True)
    revision: Mapped[str]
    item_count: Mapped[int]
    modalities: Mapped[list[str]]
    pairing: Mapped[str] = mapped_column(default="one-to-one")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("dataset.id"))
    order_fingerprint: Mapped[Digest]
    set_fingerprint: Mapped[Digest]
    uri: Mapped[str]
    sha256: Mapped[Digest]
    licence: Mapped[str | None]
    credit: Mapped[str | None]
    created_at: Mapped[datetime]


class Extraction(Table):
    """A rule for embedding. `own` means the checkpoint's own; what that was stands on the embedding.

    NULL means that the field has no meaning for the modality.
    """

    __tablename__ = "extraction"

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    modality: Mapped[str]
    pooling: Mapped[str]
    layer_rule: Mapped[str]
    input_size: Mapped[str | None]
    crop: Mapped[str | None]
    interpolation: Mapped[str | None]
    normalisation: Mapped[str | None]
    prompt: Mapped[str | None]
    caption_index: Mapped[int | None]
    tokenizer_revision: Mapped[str | None]
    special_tokens: Mapped[str | None]
    padding_side: Mapped[str | None]
    maximum_tokens: Mapped[str | None]
    dtype: Mapped[str]
    quantisation: Mapped[str | None]
    created_at: Mapped[datetime]


class Embedding(Table):
    """One checkpoint's answer to one data set under one extraction: a file with one (n, d) matrix per layer.

    `kind` says what a layer is: features; or, where nobody has any, an (n, n) kernel or matrix of distances.
    `location` is the declared place outside the store that the file stays in; NULL is the store itself.

    `resolved` holds what every `own` of the extraction was, `libraries` the versions that computed it.
    """

    __tablename__ = "embedding"
    __table_args__ = (
        one_of("status", ("ready", "missing", "corrupt", "superseded")),
        one_of("kind", ("features", "kernel", "distances")),
        CheckConstraint("layer_count > 0", name="has_layers"),
        Index(
            "uq_embedding_ready",
            "checkpoint_id",
            "dataset_id",
            "extraction_id",
            unique=True,
            sqlite_where=text("status = 'ready'"),
            postgresql_where=text("status = 'ready'"),
        ),
    )

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    checkpoint_id: Mapped[int] = mapped_column(ForeignKey("checkpoint.id"), index=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"), index=True)
    extraction_id: Mapped[int] = mapped_column(ForeignKey("extraction.id"), index=True)
    uri: Mapped[str]
    sha256: Mapped[Digest]
    layer_count: Mapped[int]
    layer_names: Mapped[list[str]]
    layer_sha256: Mapped[list[str]]
    widths: Mapped[list[int]]
    dtype: Mapped[str]
    order_fingerprint: Mapped[Digest]
    resolved: Mapped[dict[str, Any]]
    libraries: Mapped[dict[str, Any]]
    device: Mapped[str]
    batch_size: Mapped[int | None]
    status: Mapped[str]
    kind: Mapped[str] = mapped_column(default="features", server_default="features")
    location: Mapped[str | None]
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    created_at: Mapped[datetime]


class Neighbours(Table):
    """The k_max nearest neighbours of every item in every layer of an embedding, under one recipe."""

    __tablename__ = "neighbours"
    __table_args__ = (
        UniqueConstraint("embedding_id", "recipe", "k_max", "code_version"),
        CheckConstraint("k_max > 0", name="k_max_is_positive"),
    )

    id: Mapped[Identifier]
    embedding_id: Mapped[int] = mapped_column(ForeignKey("embedding.id"))
    recipe: Mapped[str]
    k_max: Mapped[int]
    code_version: Mapped[int]
    uri: Mapped[str]
    sha256: Mapped[Digest]
    created_at: Mapped[datetime]


class LayerForm(Table):
    """Every layer of an embedding made ready for a metric under one recipe, as a file.

    `form` is the content key of what was made: the metric's form, with the parameters that it depends on and
    the version of its code.
    """

    __tablename__ = "layer_form"
    __table_args__ = (UniqueConstraint("embedding_id", "recipe", "form"),)

    id: Mapped[Identifier]
    embedding_id: Mapped[int] = mapped_column(ForeignKey("embedding.id"))
    recipe: Mapped[str]
    form: Mapped[Digest]
    uri: Mapped[str]
    sha256: Mapped[Digest]
    created_at: Mapped[datetime]


class Exclusion(Table):
    """A named symmetric relation between items of a data set that must not count as neighbours.

    The pairs are a Parquet sidecar of positions, `left` < `right`; `largest_degree` is how many items the
    item with the most of them loses. `rule` says how the relation was made.
    """

    __tablename__ = "exclusion"
    __table_args__ = (
        UniqueConstraint("dataset_id", "name"),
        CheckConstraint("pair_count > 0", name="excludes_something"),
        CheckConstraint("largest_degree > 0", name="largest_degree_is_positive"),
    )

    id: Mapped[Identifier]
    content_key: Mapped[Digest] = mapped_column(unique=True)
    dataset_id: Mapped[int] = mapped_column(ForeignKey("dataset.id"))
    name: Mapped[str]
    rule: Mapped[dict[str, Any]]
    uri: Mapped[str]
    sha256: Mapped[Digest]
    pair_count: Mapped[int] = mapped_column(BigInteger)
    largest_degree: Mapped[int]
    created_at: Mapped[datetime]


class LayerStat(Table):
    """What one layer of an embedding looks like under one recipe; `tied_rows` and the skew are at `k`."""

    __tablename__ = "layer_stat"
    __table_args__ = (
        CheckConstraint("layer >= 0", name="layer_is_a_position"),
        CheckConstraint("tied_rows >= 0 AND duplicate_rows >= 0", name="rows_are_counts"),
        CheckConstraint("effective_rank >= 0", name="effective_rank_is_not_negative"),
    )

    embedding_id: Mapped[int] = mapped_column(ForeignKey("embedding.id"), primary_key=True)
    recipe: Mapped[str] = mapped_column(primary_key=True)
    layer: Mapped[int] = mapped_column(primary_key=True)
    code_version: Mapped[int]
    k: Mapped[int]
    tied_rows: Mapped[int]
    duplicate_rows: Mapped[int]
    mean_cosine: Mapped[float]
    effective_rank: Mapped[float]
    in_degree_skew: Mapped[float | None]
