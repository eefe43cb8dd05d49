"""The schema: every table, mapped."""

from registry.tables.alignments import Alignment, Metric, Part, Slot, Target, TargetExtraction
from registry.tables.checkpoints import Checkpoint, Family, Name, Series
from registry.tables.declarative import Table
from registry.tables.embeddings import Dataset, Embedding, Exclusion, Extraction, LayerStat, Neighbours
from registry.tables.operations import Failure, Run, Snapshot
from registry.tables.scores import Battery, Benchmark, Score, ScoreRefusal, Source

__all__ = [
    "Alignment",
    "Battery",
    "Benchmark",
    "Checkpoint",
    "Dataset",
    "Embedding",
    "Exclusion",
    "Extraction",
    "Failure",
    "Family",
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
    "Target",
    "TargetExtraction",
]
