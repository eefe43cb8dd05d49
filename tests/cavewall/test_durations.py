from __future__ import annotations

import pytest

from cavewall.durations import duration_text, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("30m", 1800), ("2h", 7200), ("1h30m", 5400), ("0.5s", 0.5), ("1D", 86400)],
)
def test_durations_are_read_as_people_write_them(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "3x", "-5", "5 minutes", "1m30"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "under 1 s"), (42.4, "42 s"), (59.7, "1 m 0 s"), (313, "5 m 13 s"), (7500, "2 h 5 m")],
)
def test_durations_are_written_as_people_read_them(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text
