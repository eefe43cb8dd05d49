"""Time the permutation null of a zoo like the paper's, by the units that a run would commit.

    python benchmarks/null.py [--checkpoints 29] [--layers 28] [--items 1024] [--draws 500] [--share 1.0]

Neighbour lists are made up (each layer shares a part of its list with the layer before it, as layers do); the
null costs the same whatever they hold. `--share` computes only a part of the units and extrapolates, and says
so. Prints a table: layers, pairs, units, seconds, CPU seconds, the longest unit.
"""

from __future__ import annotations

import argparse
import math
import time

import numpy as np
from numpy.typing import NDArray

from compute.engine import Rule, missing_block, null_block
from compute.metrics.mutual_knn import MutualKnn
from compute.null import draw_key
from compute.pace import NULL_SECONDS
from compute.schemes import all_items
from compute.units import SlotTable, units

K = 10
RATE = 1e9  # layer pairs x draws x items per second: what a run finds on two cores


def made_up_lists(random: np.random.Generator, layers: int, n: int) -> NDArray[np.uint16]:
    """Return (layers, n, k) lists of which each keeps about two thirds of the layer before."""
    lists = np.empty((layers, n, K), np.uint16)
    for layer in range(layers):
        fresh = np.argpartition(random.random((n, n)) + np.eye(n), K, axis=1)[:, :K]
        if layer:
            keep = random.random((n, K)) < 0.67
            fresh = np.where(keep, lists[layer - 1], fresh)
        lists[layer] = fresh
    return lists


def slot_table(checkpoints: int, layers: int) -> SlotTable:
    """Return a matrix that is scored and has no null."""
    zeros = np.zeros(checkpoints, np.int64)
    return SlotTable(
        embedding=np.arange(checkpoints),
        modality=zeros,
        layers=np.full(checkpoints, layers),
        is_live=np.ones(checkpoints, np.bool_),
        done_through=zeros,
        reach=np.arange(checkpoints),
        null_through=zeros,
    )


def main() -> None:
    """Run the benchmark and print its table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--checkpoints", type=int, default=29)
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--items", type=int, default=1024)
    parser.add_argument("--draws", type=int, default=500)
    parser.add_argument("--share", type=float, default=1.0)
    asked = parser.parse_args()
    random = np.random.default_rng(0)
    lists = [{"indices": made_up_lists(random, asked.layers, asked.items)} for _ in range(asked.checkpoints)]
    slots, scheme = slot_table(asked.checkpoints, asked.layers), all_items(asked.items)

    def order(slot: int, draw: int) -> NDArray[np.int64]:
        return scheme.order(draw_key(0, draw, f"embedding {slot}"))

    per_unit = max(1, int(RATE * NULL_SECONDS / (asked.items * asked.draws)))
    rule = Rule(MutualKnn(k=K))
    planned = list(units(slots, "all", per_unit))
    count = max(1, math.ceil(len(planned) * asked.share))
    begun, cpu, longest, pairs = time.perf_counter(), time.process_time(), 0.0, 0
    for unit in planned[:: max(1, len(planned) // count)][:count]:
        block = missing_block(slots, unit, "all", set(), set())
        assert block is not None
        unit_begun = time.perf_counter()
        null_block(block, lists.__getitem__, order, rule, draws=asked.draws)
        longest = max(longest, time.perf_counter() - unit_begun)
        pairs += int(block.wanted.sum())
    seconds, cpu = time.perf_counter() - begun, time.process_time() - cpu
    everything = asked.checkpoints * (asked.checkpoints - 1) // 2
    scale = everything / pairs
    print("layers  items  draws  pairs  units  seconds  cpu_seconds  longest_unit  computed")
    print(
        f"{asked.checkpoints * asked.layers:6}  {asked.items:5}  {asked.draws:5}  {everything:5}  "
        f"{len(planned):5}  {seconds * scale:7.1f}  {cpu * scale:11.1f}  {longest:12.1f}  {1 / scale:8.0%}"
    )


if __name__ == "__main__":
    main()
