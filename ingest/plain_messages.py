"""Refusals that quote a file: on one line, of a length that can be read, without control characters."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from registry.errors import RegistryError

LONGEST = 500  # characters of a sentence
_TAIL = 120  # of which so many from its end, where something is left out


def plain_sentence(text: str) -> str:
    """Return a text without line breaks and control characters, shortened in the middle."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    if len(plain) <= LONGEST:
        return plain
    return f"{plain[: LONGEST - _TAIL]} … {plain[-_TAIL:]}"


@contextmanager
def plain_refusals() -> Iterator[None]:
    """Make what is refused inside one readable line, whatever cells and names it quotes."""
    try:
        yield
    except RegistryError as error:
        error.message, error.hint = plain_sentence(error.message), plain_sentence(error.hint)
        error.args = (error.message,)
        raise
