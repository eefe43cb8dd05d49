"""Keyed words: the same on every machine, in every version."""

from __future__ import annotations

import numpy as np
import pytest

from registry.keyed import keyed_order, keyed_words


def test_words_of_a_key_never_change() -> None:
    assert keyed_words("a", 3).tolist() == [
        8991107564708102099,
        10603671660872289589,
        8236647817376834651,
    ]  # written down with numpy 2.4.6: null distributions, ties and shuffles of every zoo hang on them
    assert keyed_order("a", 6).tolist() == [5, 3, 2, 0, 1, 4]


@pytest.mark.parametrize("count", [0, 1, 2, 1001])
def test_order_is_a_permutation_of_its_own_key(count: int) -> None:
    order = keyed_order("key", count)
    assert sorted(order.tolist()) == list(range(count))
    if count > 2:
        assert not np.array_equal(order, keyed_order("other key", count))
