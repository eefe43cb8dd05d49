"""Sizes as people write them: `500MB`, `2GB`, `1.5 GiB`."""

from __future__ import annotations

import re

import click

FACTORS = {"k": 1, "m": 2, "g": 3, "t": 4}
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmgt])(i?)b?|b)?", re.IGNORECASE)


def parse_byte_size(text: str) -> int:
    """Return the bytes of a size; a number alone is bytes.

    Raises:
        ValueError: it is none, or nothing.
    """
    found = SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"'{text}' is no size; write 500MB, 2GB or 1.5GiB")
    number, letter, is_binary = found.groups()
    count = int(float(number) * (1024 if is_binary else 1000) ** FACTORS.get((letter or "").lower(), 0))
    if count < 1:
        raise ValueError(f"'{text}' is nothing; write 500MB, 2GB or 1.5GiB")
    return count


def byte_size(value: str | int) -> int:
    """Return the bytes of an option's value; click calls this as the option's type.

    Raises:
        click.BadParameter: it is no size.
    """
    try:
        return parse_byte_size(str(value))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
