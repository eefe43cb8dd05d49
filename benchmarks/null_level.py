"""Show that p is what it says, for every metric, over pairs of embeddings that have nothing in common.

    python benchmarks/null_level.py [--pairs 1000] [--wrong-pairs 400] [--metrics cka,svcca] [--draws 19]
        [--format table|json]

The layers of an embedding are a random walk, correlated as those of a network are; every embedding stands in
one pair only, so that the p values are independent. The score is the best of all layer pairs (direction 0
where there are two), the null is the engine's: every embedding has one permutation in a draw, for all of its
layers. With K draws the share of p <= .05 is floor(.05 (K + 1)) / (K + 1), and must be within three standard
errors of it, for layers narrower than there are items, as wide, and wider.

The wrong null gives each layer a permutation of its own. It must fail, by that share or by a
Kolmogorov-Smirnov test of all p. Prints one line for each metric, width and null. Draws that equal the score
count as at least as high, which makes the p of a count a little large: `tied` is their share, `untied` is the
share of p <= .05 with such ties broken at random, and `KS` the p of that test, likewise. Metrics on counts
get more items, to have few ties.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.levels import ITEMS, Level, levels
from compute.catalogue import METRICS, metric_info


def line(level: Level) -> str:
    """Return one line of the table."""
    return (
        f"{level.metric:20} {level.d:4} {level.n:4}  {level.null}  {level.draws:5} {level.pairs:6}  "
        f"{level.share:6.4f}  {level.expected:8.4f}  {level.error:6.4f}  {level.untied:6.4f}  "
        f"{level.tied:6.4f}  {level.ks:8.1e}  {'yes' if level.is_level else 'no'}"
    )


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=1000)
    parser.add_argument("--wrong-pairs", type=int, default=400)
    parser.add_argument("--metrics", default=",".join(METRICS))
    parser.add_argument("--draws", type=int, default=19)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    names = asked.metrics.split(",")
    is_table, rows = asked.format == "table", []
    if is_table:
        print(
            "metric                  d    n  null   draws  pairs   share  expected      +-  untied    tied"
            "        KS  level"
        )
    for values, n in ITEMS.items():
        chosen = [name for name in names if metric_info(name).values == values]
        for width in (n // 3, n, 3 * n) if chosen else ():
            for level in levels(
                chosen, n, width, pairs=asked.pairs, wrong_pairs=asked.wrong_pairs, draws=asked.draws
            ):
                rows.append({**asdict(level), "is_level": level.is_level})
                if is_table:
                    print(line(level), flush=True)
    if not is_table:
        print(json.dumps({"rows": rows}, indent=1))


if __name__ == "__main__":
    main()
