"""The schema: every table, mapped."""

from registry.tables.alignments import Alignment, Metric, Part, Slot, Target, TargetExtraction
from registry.tables.checkpoints import Checkpoint, Family, Name, Series
from registry.tables.declarative import Table
from registry.tables.embeddings import Dataset, Embedding, Extraction, Neighbours
from registry.tables.operations import Failure, Run, Snapshot
from registry.tables.scores import Benchmark, Score

__all__ = [
    "Alignment",
    "Benchmark",
    "Checkpoint",
    "Dataset",
    "Embedding",
    "Extraction",
    "Failure",
    "Family",
    "Metric",
    "Name",
    "Neighbours",
    "Part",
    "Run",
    "Score",
    "Series",
    "Slot",
    "Snapshot",
    "Table",
    "Target",
    "TargetExtraction",
]
