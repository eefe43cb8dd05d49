import unicodedata

import pytest

from cavewall.demo.unicode_names import SIGN_LISTS, character_names


def test_names_are_in_the_order_of_the_characters() -> None:
    names = character_names(without=())
    assert names[:3] == ["space", "exclamation mark", "quotation mark"]
    assert names.index("greek small letter alpha") < names.index("hebrew letter alef")


def test_characters_of_the_captions_are_left_out() -> None:
    everything = character_names(without=())
    without = character_names(without={0x1F34E, 0x231A})
    assert set(everything) - set(without) == {"red apple", "watch"}
    assert len(everything) == len(without) + 2


def test_lists_of_signs_are_left_out_and_their_neighbours_stay() -> None:
    names = character_names(without=())
    assert not [name for name in names if name.startswith(("cjk unified", "hangul syllable", "yi radical"))]
    assert {"hangul choseong kiyeok", "yin yang", "square hz"} <= set(names)
    assert all(name == name.lower() for name in names)
    assert len(SIGN_LISTS) == 9


@pytest.mark.skipif(unicodedata.unidata_version != "14.0.0", reason="other names in this Python")
def test_unicode_14_gives_the_names_that_the_demo_was_measured_with() -> None:
    names = character_names(without=())
    assert len(names) == 27348
    assert 0.7e6 < sum(len(name) + 1 for name in names) < 0.8e6
