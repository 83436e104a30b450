"""Reconstruction losses against their formulas."""

from __future__ import annotations

import math

import pytest
import torch

from lmspt.errors import InputError
from lmspt.tokenizer.config import LossConfig
from lmspt.tokenizer.losses import MultiResolutionMel, wave_distance


def noise(*shape, seed=0):
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_the_linear_part_is_the_distance_of_the_mels():
    wav, lengths = noise(1, 16000), torch.tensor([16000])
    logarithms = MultiResolutionMel(16000, [1024], [80])(2 * wav, wav, lengths).item()
    assert logarithms == pytest.approx(math.log10(2.0), abs=1e-3)
    both = MultiResolutionMel(16000, [1024], [80], linear_weight=0.5)
    expected = both.mel(wav, 1024).mean().item()  # twice the wav has twice the mel: they differ by it
    assert both(2 * wav, wav, lengths).item() == pytest.approx(logarithms + 0.5 * expected, rel=1e-3)


def test_the_distance_of_mels_is_over_real_frames():
    """In a batch it is the mean over the frames of all utterances, each as it is alone; silence is without gradient, not NaN."""
    wav, said = noise(1, 8000), noise(1, 8000, seed=1)
    loss = MultiResolutionMel(16000, [1024], [80])
    padded = [torch.cat([torch.nn.functional.pad(w, (0, 8000)), torch.zeros(1, 16000)]) for w in (said, wav)]
    alone = loss(said, wav, torch.tensor([8000])).item()
    together = loss(*padded, torch.tensor([8000, 0])).item()
    frames = 1 + 8000 // 256
    assert together == pytest.approx(alone * frames / (frames + 1), rel=0.02)
    silent = torch.zeros(1, 4096, requires_grad=True)
    loss(silent, noise(1, 4096), torch.tensor([4096])).backward()
    assert silent.grad.isfinite().all()


def test_the_wave_distance_is_over_real_samples():
    target = torch.tensor([[1.0, 2.0, 3.0, 4.0], [1.0, -1.0, 0.0, 0.0]])
    prediction = torch.tensor([[1.0, 2.5, 2.0, 4.0], [0.0, -3.0, 0.0, 0.0]])
    assert wave_distance(prediction, target, torch.tensor([4, 2])).item() == pytest.approx((0.5 + 1 + 1 + 2) / 6)


def test_windows_without_bins_are_an_error():
    with pytest.raises(InputError, match="must be as many"):
        LossConfig(mel_windows=[512, 1024])
