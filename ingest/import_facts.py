"""What a feature file says beside its features: parameters as a remark, bits per byte as a claim."""

from __future__ import annotations

from pathlib import Path

from ingest.benchmarks import BenchmarkDescription, ensure_benchmark
from ingest.bits_per_byte import METRIC, SUITE
from ingest.embedding_files.parts import Part
from ingest.score_sources import ensure_source
from ingest.scores import Claim, put_score
from registry.handle import Registry
from registry.tables import Checkpoint, Dataset

SOURCE = "platonic-rep feature files"
PROTOCOL = "platonic-rep: mean over captions"


def record_facts(
    registry: Registry, checkpoint_id: int, dataset: Dataset, part: Part, path: Path, sha256: str, run_id: int
) -> str:
    """Record what a file says about its model and return it in words, '' where it says nothing.

    The number of parameters is no count of ours: it stands among the attributes. Bits per byte were measured
    on the captions, not on a corpus, and are a claim on this data set's texts, by that protocol.
    """
    parameters, bits = part.facts.get("num_params"), part.facts.get("bits_per_byte")
    if parameters is None and bits is None:
        return ""
    words = []
    with registry.write() as session:
        checkpoint = session.get_one(Checkpoint, checkpoint_id)
        if parameters is not None and checkpoint.attributes.get("num_params_in_file") != parameters:
            checkpoint.attributes = {**checkpoint.attributes, "num_params_in_file": parameters}
            words.append("num_params taken from the file")
        if bits is not None:
            benchmark = ensure_benchmark(
                session,
                BenchmarkDescription(
                    SUITE, dataset.name, METRIC, dataset.revision, higher_is_better=False, low=0.0
                ),
            )
            source = ensure_source(session, SOURCE, "harness run", trust="medium")
            details = {"file": path.name, "file_sha256": sha256}
            claim = Claim(bits, item_count=dataset.item_count, protocol=PROTOCOL, details=details)
            recorded = put_score(session, checkpoint, benchmark, source, claim, run_id=run_id)
            if recorded.outcome != "unchanged":
                words.append(
                    f"bpb {recorded.outcome} as measured on the captions of {dataset.name}"
                    + (f", {recorded.reason}" if recorded.reason else "")
                )
    return "; ".join(words)
