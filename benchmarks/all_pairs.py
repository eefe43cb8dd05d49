"""Time the engine on all layer pairs of a zoo, against the reference's way and the fastest other library.

    python benchmarks/all_pairs.py [--checkpoints 8] [--layers 12] [--items 1024] [--width 768]
        [--metrics mutual_knn,cka] [--start features|lists] [--device cpu|cuda] [--pairs 4]
        [--parts pairs,clip,many,one-more] [--large] [--reference DIR] [--format table|json]

Features are made up: layers are a random walk. The reference's way is to make neighbours or kernels anew for
every layer pair; it is timed on a few pairs and multiplied. Ratios are of seconds of the processor on a CPU,
of the clock on a GPU. On a GPU no numba is needed: torch, numpy and this checkout are enough.

`--parts` names what is timed: the metrics' `pairs`, the `clip` of a recipe, mutual-kNN of `many` layers (128
checkpoints), `one-more` checkpoint in a zoo of 50. `--large` adds 24,000 layers and 500 draws of them (on a
GPU), and the neighbours of 65,536 items (minutes on a CPU).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # a bare machine has nothing installed

from benchmarks.against import Asked, engine_rows
from benchmarks.growing import clip_row, many_layers_row, one_more_row
from benchmarks.large import large_rows
from benchmarks.made_up import made_up_zoo
from benchmarks.measuring import Row, Start
from benchmarks.peak import peak_flops
from benchmarks.reference import REFERENCE, Score
from benchmarks.released import released
from benchmarks.table import table

METRICS = (
    "mutual_knn",
    "jaccard_knn",
    "cycle_knn",
    "lcs_knn",
    "edit_distance_knn",
    "cknna",
    "cka",
    "unbiased_cka",
    "cka_rbf",
    "rsa",
    "distance_correlation",
    "svcca",
    "procrustes",
)
PARTS = ("pairs", "clip", "many", "one-more")
STARTS: tuple[Start, ...] = ("features", "lists")


def main() -> None:
    """Run the benchmark and print its rows."""
    options = _options()
    say(f"{torch.get_num_threads()} threads, torch {torch.__version__}, on {options.device}")
    peak = peak_flops(options.device)
    say(f"peak: {peak / 1e9:,.0f} GFLOP/s in a product of large matrices")
    rows = []
    for row in _rows(options, peak):
        say(f"{row.metric}, {row.work}, from {row.start}: {row.cpu_seconds:.2f} CPU s")
        rows.append(row)
    if options.format == "table":
        print(table(rows))
        return
    facts = {
        "device": options.device,
        "threads": torch.get_num_threads(),
        "peak_gflops": peak / 1e9,
        "reference": str(options.reference or "the definition, as released"),
        "pairs_timed": options.pairs,
    }
    print(json.dumps({**facts, "rows": [asdict(row) for row in rows]}, indent=2))


def _rows(options: argparse.Namespace, peak: float) -> Iterator[Row]:
    asked = Asked(
        metrics=options.metrics,
        starts=[options.start] if options.start else STARTS,
        reference=_reference(options.reference),
        pairs=options.pairs,
        peak=peak,
    )
    sizes = options.checkpoints, options.layers, options.items, options.width
    zoo = made_up_zoo(*sizes, options.device)
    if "pairs" in options.parts:
        yield from engine_rows(zoo, asked, say)
    others: dict[str, Callable[[], Row]] = {
        "clip": lambda: clip_row(zoo),
        "many": lambda: many_layers_row(options.layers, options.items, options.device),
        "one-more": lambda: one_more_row(options.layers, options.items, options.device),
    }
    for part, work in others.items():
        if part in options.parts:
            try:
                yield work()
            except ImportError as error:
                say(f"{part}: left out, since this machine has not what it needs ({error})")
    if options.large:
        yield from large_rows(options.items, options.device, peak)


def say(words: str) -> None:
    """Tell how far it is, apart from the result."""
    print(words, file=sys.stderr, flush=True)


def _reference(folder: Path | None) -> dict[str, Score]:
    if folder is None:
        return REFERENCE
    try:
        functions = released(folder)
    except ImportError as error:
        say(f"the released code at {folder} was not timed: {error}")
        return {}
    if "edit_distance_knn" not in functions:
        say("edit_distance_knn: the released code needs torchaudio for it, which is not installed")
    return functions


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoints", type=int, default=8)
    parser.add_argument("--layers", type=int, default=12, help="of each checkpoint")
    parser.add_argument("--items", type=int, default=1024)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--metrics", type=lambda text: text.split(","), default=METRICS)
    parser.add_argument("--start", choices=STARTS, help="both without it")
    parser.add_argument("--device", default="cpu", help="cpu:0 takes the GPU's path on a CPU")
    parser.add_argument("--pairs", type=int, default=4, help="layer pairs that the reference is timed on")
    parser.add_argument("--parts", type=lambda text: text.split(","), default=PARTS)
    parser.add_argument("--large", action="store_true")
    parser.add_argument("--reference", type=Path, help="a clone of the released code, timed in its place")
    parser.add_argument("--format", choices=("table", "json"), default="table")
    return parser.parse_args()


if __name__ == "__main__":
    main()
