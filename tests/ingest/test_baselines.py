"""Raw pixels and counted words."""

from __future__ import annotations

import numpy as np
import pytest

from ingest.pictures import encode_png
from ingest.sources.baselines import pixels, tf_idf
from registry.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3), dtype=np.uint8)


def test_pixels_at_their_own_size_are_the_picture() -> None:
    answer = pixels([encode_png(picture) for picture in PIXELS], ["a", "b"], 4)
    np.testing.assert_allclose(answer.layers["pixels"], PIXELS.reshape(2, -1) / 255, atol=1e-7)


def test_pixels_are_squeezed_to_the_size_that_is_asked_for() -> None:
    answer = pixels([encode_png(picture) for picture in PIXELS], ["a", "b"], 32)
    assert answer.layers["pixels"].shape == (2, 32 * 32 * 3)
    assert answer.resolved["input_size"] == [32, 32]


def test_tf_idf_by_hand() -> None:
    layer = tf_idf(["cat dog", "cat cat bird"]).layers["tf-idf"]
    rare = 1 + np.log(3 / 2)  # words of one text of two; a word of both weighs 1
    expected = np.array([[0, 1, rare], [rare, 2, 0]])  # bird, cat, dog
    expected /= np.linalg.norm(expected, axis=1, keepdims=True)
    np.testing.assert_allclose(layer, expected, atol=1e-6)
    assert layer.dtype == np.float32


def test_texts_without_words_are_refused() -> None:
    with pytest.raises(InputError, match="the texts have no word to count"):
        tf_idf(["a", "b"])
