"""What a trained network must be compared with: raw pixels, and words that are counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from ingest.pictures import DECODING, decode, resized
from ingest.sources.answers import Answer, versions_of
from registry.errors import InputError


def pixels(images: Sequence[bytes], ids: Sequence[str], size: int) -> Answer:
    """Return the pixels of every picture, squeezed to `size` x `size` (bicubic), between 0 and 1, row by row.

    Returns:
        One layer, `(n, size * size * 3)`.
    """
    rows = [
        resized(decode(data, item_id), (size, size), "bicubic").reshape(-1)
        for data, item_id in zip(images, ids, strict=True)
    ]
    resolved = {
        "input_size": [size, size],
        "interpolation": "bicubic",
        "pooling": "none",
        "layers": "one",
        **DECODING,
    }
    return Answer({"pixels": np.stack(rows)}, resolved, versions_of("pillow", "numpy"), None)


def tf_idf(texts: Sequence[str]) -> Answer:
    """Return the words of every text, counted and weighted as scikit-learn's TfidfVectorizer does by default.

    Vocabulary and weights come from these texts themselves.

    Returns:
        One layer, `(n, words)`.

    Raises:
        InputError: the texts have no word of two letters or more.
    """
    vectorizer = TfidfVectorizer()
    try:
        matrix = vectorizer.fit_transform(texts)
    except ValueError as error:
        raise InputError(
            f"the texts have no word to count: {error}", hint="TF-IDF needs words of two letters or more"
        ) from error
    resolved = {
        "pooling": "none",
        "layers": "one",
        "vocabulary": len(vectorizer.vocabulary_),
        "fitted_on": "own texts",
    }
    layer = np.ascontiguousarray(matrix.toarray(), dtype=np.float32)
    return Answer({"tf-idf": layer}, resolved, versions_of("scikit-learn", "numpy"), None)
