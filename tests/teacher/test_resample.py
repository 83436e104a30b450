"""Resampling: tones keep their place and level, what cannot be heard at the new rate is gone, padding changes nothing."""

from __future__ import annotations

import math

import pytest
import torch

from lmspt.teacher.resample import Resample


def tone(hz: float, rate: int, n: int) -> torch.Tensor:
    return torch.sin(2 * math.pi * hz * torch.arange(n, dtype=torch.float64) / rate).float()


@pytest.mark.parametrize(("old", "new"), [(24000, 16000), (16000, 24000), (22050, 16000)])
@pytest.mark.parametrize("hz", [50.0, 1000.0, 6000.0])
def test_tones_are_kept(old, new, hz):
    resampled, lengths = Resample(old, new)(tone(hz, old, old)[None], torch.tensor([old]))
    assert resampled.shape == (1, new) and lengths.item() == new
    middle = slice(new // 10, -new // 10)
    assert torch.allclose(resampled[0, middle], tone(hz, new, new)[middle], atol=2e-3)


def test_what_lies_above_the_new_nyquist_is_gone():
    resampled, _ = Resample(24000, 16000)(tone(9000.0, 24000, 24000)[None], torch.tensor([24000]))
    assert resampled[0, 1000:-1000].abs().max() < 2e-3


def test_padded_equals_alone():
    wav = torch.randn(1, 9001, generator=torch.Generator().manual_seed(0))
    resample = Resample(24000, 16000)
    alone, _ = resample(wav, torch.tensor([9001]))
    padded, lengths = resample(torch.nn.functional.pad(wav, (0, 3000)), torch.tensor([9001]))
    assert lengths.item() == alone.shape[1] == 6000
    assert torch.allclose(padded[:, :6000], alone, atol=1e-6) and not padded[:, 6000:].any()


def test_the_gradient_is_the_filter_turned_round():
    """Resampling is linear: for any x and y, <R x, y> = <x, R' y>, R' being what the backward pass applies."""
    generator = torch.Generator().manual_seed(0)
    x, y = torch.randn(1, 2400, generator=generator, requires_grad=True), torch.randn(1, 1600, generator=generator)
    resampled, _ = Resample(24000, 16000)(x, torch.tensor([2400]))
    product = (resampled * y).sum()
    product.backward()
    assert product.item() == pytest.approx((x * x.grad).sum().item(), rel=1e-4)


def test_same_rate_touches_nothing():
    wav, lengths = torch.randn(2, 100), torch.tensor([90, 100])
    assert Resample(16000, 16000)(wav, lengths) == (wav, lengths)


def test_in_a_training_of_half_precision_too():
    wav, lengths = tone(1000.0, 24000, 24000)[None], torch.tensor([24000])
    whole, _ = Resample(24000, 16000)(wav, lengths)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(Resample(24000, 16000)(wav, lengths)[0], whole)
