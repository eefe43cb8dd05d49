"""Versions of the code that makes numbers, raised by hand; tests with pinned outputs hold them."""

from __future__ import annotations

NEIGHBOURS_VERSION = 1
LAYER_STATS_VERSION = 1
METRIC_VERSIONS = {"mutual_knn": 1}
