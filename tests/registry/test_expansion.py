"""Braces are written out the same in every shell, and never without a bound."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry.errors import UsageError
from registry.expansion import expand_braces


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timm:resnet18", ["timm:resnet18"]),
        ("x{a,b}", ["xa", "xb"]),
        ("{0,1,2,4..12:4}", ["0", "1", "2", "4", "8", "12"]),
        ("step{1000..3500:1000}", ["step1000", "step2000", "step3000"]),
        ("{8..10}", ["8", "9", "10"]),
        ("{3..3}", ["3"]),
        ("{000..100:50}", ["000", "050", "100"]),
        ("{a, b}", ["a", "b"]),
        ("{a,b}-{1..2}", ["a-1", "a-2", "b-1", "b-2"]),
    ],
)
def test_lists_and_ranges_are_written_out_in_order(text: str, expected: list[str]) -> None:
    assert expand_braces(text) == expected


def test_the_steps_of_a_published_run_are_154() -> None:
    steps = expand_braces("{0,1,2,4,8,16,32,64,128,256,512,1000..143000:1000}")
    assert (len(steps), steps[0], steps[-1]) == (154, "0", "143000")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "do not close"),
        ("a}", "do not close"),
        ("a{b", "do not close"),
        ("{a,{b,c}}", "are nested"),
        ("{a}", "neither a list nor a range"),
        ("{}", "neither a list nor a range"),
        ("{a,}", "an empty place"),
        ("{1..}", "no range of whole numbers"),
        ("{-1..4}", "no range of whole numbers"),
        ("{1..2..3}", "no range of whole numbers"),
        ("{1..4:x}", "no range of whole numbers"),
        ("{1.." + "9" * 30 + "}", "no range of whole numbers"),
        ("{5..1}", "ends before it begins"),
        ("{1..9:0}", "has a step of 0"),
        ("{0..100000}", "stands for 100,001 names"),
        ("{0..999}{0..999}", "stands for 1,000,000 names"),
        ("{1..999999999999999999}", "stands for 999,999,999,999,999,999 names"),
    ],
)
def test_what_is_malformed_or_too_much_is_one_sentence(text: str, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as caught:
        expand_braces(text)
    assert "\n" not in caught.value.message
    assert caught.value.hint


@given(st.text(alphabet="{}.,:0123456789ab ", max_size=24))
def test_any_text_expands_within_the_bound_or_is_refused(text: str) -> None:
    try:
        found = expand_braces(text, limit=500)
    except UsageError:
        return
    assert 1 <= len(found) <= 500
    assert not any("{" in one or "}" in one for one in found)
