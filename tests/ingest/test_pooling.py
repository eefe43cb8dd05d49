"""Pooling against its definition."""

from __future__ import annotations

import pytest
import torch

from ingest.pooling import (
    class_token,
    first_token,
    last_token,
    masked_max,
    masked_mean,
    spatial_max,
    spatial_mean,
)


def test_class_token_is_the_first_of_the_prefix() -> None:
    prefix = torch.arange(24.0).reshape(2, 3, 4)
    assert torch.equal(class_token(prefix), torch.stack([prefix[0, 0], prefix[1, 0]]))


def test_spatial_mean_averages_every_place_of_a_map() -> None:
    features = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
    for item in range(2):
        for channel in range(3):
            places = [features[item, channel, y, x].item() for y in range(4) for x in range(5)]
            assert spatial_mean(features)[item, channel].item() == pytest.approx(sum(places) / 20, abs=1e-6)


def test_spatial_mean_takes_tokens_too() -> None:
    tokens = torch.tensor([[[1.0, 2.0], [3.0, 6.0]]])
    assert torch.equal(spatial_mean(tokens), torch.tensor([[2.0, 4.0]]))


def test_spatial_mean_refuses_other_shapes() -> None:
    with pytest.raises(ValueError, match="found 2"):
        spatial_mean(torch.zeros(2, 2))


def test_masked_mean_by_hand() -> None:
    hidden = torch.tensor([[[1.0, 0.0], [3.0, 2.0], [100.0, 100.0]], [[5.0, 5.0], [7.0, 9.0], [9.0, 1.0]]])
    mask = torch.tensor([[1, 1, 0], [0, 1, 0]])
    assert torch.equal(masked_mean(hidden, mask), torch.tensor([[2.0, 1.0], [7.0, 9.0]]))


def test_masked_mean_refuses_an_item_without_tokens() -> None:
    with pytest.raises(ValueError, match="no token"):
        masked_mean(torch.zeros(1, 2, 3), torch.zeros(1, 2))


def test_tokens_and_maxima_by_hand_whichever_side_is_padded() -> None:
    hidden = torch.tensor([[[1.0, 0.0], [3.0, -2.0], [9.0, 9.0]], [[9.0, 9.0], [-7.0, -9.0], [-8.0, -1.0]]])
    mask = torch.tensor([[1, 1, 0], [0, 1, 1]])
    assert torch.equal(first_token(hidden, mask), torch.tensor([[1.0, 0.0], [-7.0, -9.0]]))
    assert torch.equal(last_token(hidden, mask), torch.tensor([[3.0, -2.0], [-8.0, -1.0]]))
    assert torch.equal(masked_max(hidden, mask), torch.tensor([[3.0, 0.0], [-7.0, -1.0]]))
    for pool in (first_token, last_token, masked_max):
        with pytest.raises(ValueError, match="no token"):
            pool(torch.zeros(1, 2, 3), torch.zeros(1, 2))


def test_spatial_max_takes_maps_and_tokens() -> None:
    places = torch.tensor([[[1.0, 5.0], [3.0, -1.0]]])
    assert torch.equal(spatial_max(places), torch.tensor([[3.0, 5.0]]))
    assert torch.equal(spatial_max(places.mT.reshape(1, 2, 1, 2)), torch.tensor([[3.0, 5.0]]))
    with pytest.raises(ValueError, match="found 2"):
        spatial_max(torch.zeros(2, 2))
