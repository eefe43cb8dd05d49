"""Pooling against its definition."""

from __future__ import annotations

import pytest
import torch

from ingest.pooling import class_token, masked_mean, spatial_mean


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
