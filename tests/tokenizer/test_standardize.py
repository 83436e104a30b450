"""Standardized channels against numpy; a mean of each place takes away what tells the place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lmspt.errors import InputError
from lmspt.tokenizer.config import ObjectiveConfig
from lmspt.tokenizer.standardize import Standardize


def batches(n_frames=5):
    """Two of features (2, F, 3), and which of them are real: all of the first utterance, fewer of the second."""
    generator = torch.Generator().manual_seed(0)
    masks = (torch.arange(n_frames) < torch.tensor([[n_frames], [3 - i]]) for i in range(2))
    return [(torch.randn(2, n_frames, 3, generator=generator) + i, mask) for i, mask in enumerate(masks)]


def test_standardize_by_hand():
    """By all real frames that were followed, in two batches; of what is no frame nothing is counted."""
    scale = Standardize(2, 3)
    for features, mask in batches():
        scale.follow([features.masked_fill(~mask[..., None], torch.nan), 10 * features], mask)
    frames = np.concatenate([features[mask].numpy() for features, mask in batches()])
    assert len(frames) == 15
    first = batches()[0][0]
    by_hand = (first.numpy() - frames.mean(0)) / frames.std(0)
    for layer in scale([first, 10 * first]):
        assert layer.numpy() == pytest.approx(by_hand, abs=1e-4)


def test_places_by_hand():
    """Each place has a mean of its own, the last that of all behind it; a channel's deviation is that of what remains."""
    scale = Standardize(1, 3, n_places=3)
    for features, mask in batches():
        scale.follow([features], mask)
    features, mask = (torch.cat(parts).numpy() for parts in zip(*batches(), strict=True))
    means = [features[:, place][mask[:, place]].mean(0) for place in ([0], [1], [2, 3, 4])]
    rest = features - np.stack([means[min(place, 2)] for place in range(5)])
    by_hand = rest / rest[mask].std(0)
    assert scale([torch.from_numpy(features)])[0].numpy() == pytest.approx(by_hand, abs=1e-4)
    later = scale([torch.from_numpy(features[:, 4:])])[0].numpy()  # what is heard begins at the first place
    assert later == pytest.approx((features[:, 4:] - means[0]) / rest[mask].std(0), abs=1e-4)


def test_no_place_is_left():
    """Of features that are their place and noise the noise is left."""
    place = torch.linspace(-5, 5, 50)[:, None]
    noise = torch.randn(64, 50, 4, generator=torch.Generator().manual_seed(0))
    everything = torch.ones(64, 50, dtype=torch.bool)
    left = {}
    for n_places in (1, 50):
        scale = Standardize(1, 4, n_places)
        scale.follow([place + noise], everything)
        (found,) = scale([place + noise])
        assert found.square().mean().item() == pytest.approx(1, abs=1e-4)
        left[n_places] = found.mean(0).square().mean().item()
    assert left[1] > 0.8
    assert left[50] < 1e-8


def test_the_place_is_taken_off_standardized_features_alone():
    with pytest.raises(InputError, match="set standardize: true"):
        ObjectiveConfig(place_seconds=2.0)
