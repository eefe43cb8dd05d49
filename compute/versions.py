"""Versions of the code that makes lists and statistics, raised by hand; a metric's stands in `catalogue`."""

from __future__ import annotations

NEIGHBOURS_VERSION = 1
LAYER_STATS_VERSION = 1
