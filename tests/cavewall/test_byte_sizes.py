from __future__ import annotations

import pytest

from cavewall.byte_sizes import parse_byte_size


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("100", 100),
        ("100B", 100),
        ("500MB", 500 * 10**6),
        ("2GB", 2 * 10**9),
        ("2 gb", 2 * 10**9),
        ("2G", 2 * 10**9),
        ("1.5GiB", 3 * 2**29),
        ("1kB", 1000),
        ("1KiB", 1024),
    ],
)
def test_sizes_are_read_as_people_write_them(text: str, count: int) -> None:
    assert parse_byte_size(text) == count


@pytest.mark.parametrize("text", ["", "GB", "2 EB", "-1", "1,5GB", "0", "nan", "2GB2"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write 500MB, 2GB or"):
        parse_byte_size(text)
