"""The version of the program; a test holds it to the one in pyproject.toml."""

from __future__ import annotations

__version__ = "0.1.0"
