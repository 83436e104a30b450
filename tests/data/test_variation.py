"""Variations: the length follows the speed, the level the gain, and nothing clips that did not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmspt.data.variation import VariationConfig, apply, vary
from tests.data.folders import noise


def test_unchanged() -> None:
    assert np.array_equal(apply(noise(), 16000), noise())


@given(st.floats(0.5, 2.0), st.floats(0.1, 8.0), st.integers(0, 500))
def test_length_and_level(speed: float, gain: float, offset: int) -> None:
    wav = noise(0.1)
    varied = apply(wav, 16000, gain, speed, offset)
    assert varied.dtype == np.float32
    assert len(varied) == pytest.approx(offset + len(wav) / speed, abs=2)
    assert not varied[:offset].any()
    assert np.abs(varied).max() <= 1.0


@given(st.floats(0.0, 20.0))
def test_gain_stops_at_full_scale(gain: float) -> None:
    wav = noise(0.02)
    peak = np.abs(wav).max()
    assert apply(wav, 16000, gain) == pytest.approx(wav * min(gain, max(1.0, 0.99 / peak)), abs=1e-6)


def test_what_clips_already_is_not_made_quieter() -> None:
    wav = np.array([0.2, 1.0], np.float32)
    assert np.array_equal(apply(wav, 16000, gain=2.0), wav)


def test_speed_moves_the_pitch() -> None:
    tone = np.sin(2 * np.pi * 500 * np.arange(16000) / 16000).astype(np.float32)
    fast = apply(tone, 16000, speed=1.25)
    peak = np.argmax(np.abs(np.fft.rfft(fast))) * 16000 / len(fast)
    assert peak == pytest.approx(625, abs=2)


def test_draws_are_within_the_ranges_and_depend_on_the_generator() -> None:
    config = VariationConfig(gain_db=[-6.0, 0.0], speed=[0.9, 1.1])
    wav = noise(0.2)
    drawn = [vary(wav, 16000, config, np.random.default_rng(seed)) for seed in range(20)]
    again = vary(wav, 16000, config, np.random.default_rng(7))
    assert np.array_equal(drawn[7], again)
    lengths = {len(varied) for varied in drawn}
    assert len(lengths) > 10
    assert all(len(wav) / 1.1 - 2 <= n <= len(wav) / 0.9 + 2 for n in lengths)


def test_silence_stays_silence() -> None:
    assert not apply(np.zeros(100, np.float32), 16000, gain=4.0).any()
