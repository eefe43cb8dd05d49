"""The texts of the demo's training run: the names of Unicode's characters."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Collection

SIGN_LISTS = (
    "ANATOLIAN HIEROGLYPH",
    "BAMUM",
    "CJK",
    "CUNEIFORM",
    "EGYPTIAN HIEROGLYPH",
    "HANGUL SYLLABLE",
    "KHITAN",
    "TANGUT",
    "YI",
)
"""How the names of scripts begin whose hundreds or thousands of signs have a number or a sound for a name."""


def character_names(*, without: Collection[int]) -> list[str]:
    """Return the names of all Unicode characters in the order of their code points, in lower case.

    Scripts that are lists of signs are left out. How many names there are depends on the version of Unicode
    that Python knows: 26,361 with Unicode 14 (Python 3.11), the demo's emoji left out.

    Args:
        without: code points to leave out: those whose captions the trained model is measured on.
    """
    prefixes = tuple(f"{script}{end}" for script in SIGN_LISTS for end in " -")
    names = []
    for point in range(sys.maxunicode + 1):
        name = "" if point in without else unicodedata.name(chr(point), "")
        if name and not name.startswith(prefixes):
            names.append(name.lower())
    return names
