"""The schema: every table, mapped."""

from registry.tables.alignments import Alignment, Metric, Part, Slot, Target, TargetExtraction
from registry.tables.checkpoints import Checkpoint, Family, Name, Series, Tag
from registry.tables.declarative import Table
from registry.tables.embeddings import (
    Dataset,
    Embedding,
    Exclusion,
    Extraction,
    LayerForm,
    LayerStat,
    Neighbours,
)
from registry.tables.imports import ExternalAlignment, ImportBatch, ImportedScore, ImportReject
from registry.tables.operations import Failure, HostRate, Run, Snapshot
from registry.tables.scores import Battery, Benchmark, Score, ScoreRefusal, Source

__all__ = [
    "Alignment",
    "Battery",
    "Benchmark",
    "Checkpoint",
    "Dataset",
    "Embedding",
    "Exclusion",
    "ExternalAlignment",
    "Extraction",
    "Failure",
    "Family",
    "HostRate",
    "ImportBatch",
    "ImportReject",
    "ImportedScore",
    "LayerForm",
    "LayerStat",
    "Metric",
    "Name",
    "Neighbours",
    "Part",
    "Run",
    "Score",
    "ScoreRefusal",
    "Series",
    "Slot",
    "Snapshot",
    "Source",
    "Table",
    "Tag",
    "Target",
    "TargetExtraction",
]
