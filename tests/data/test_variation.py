"""Variations: the length follows the speed, the level the gain, and nothing clips that did not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmspt.data.variation import SHIFTS, VariationConfig, add_noise, apply, shifted, vary
from lmspt.errors import InputError
from tests.data.folders import noise


def test_unchanged() -> None:
    assert np.array_equal(apply(noise(), 16000), noise())


@pytest.mark.parametrize("ranges", [{"speed": [0.9]}, {"gain_db": [1.0, 0.0]}, {"speed": [0.0, 1.0]}, {"max_offset": -1.0}])
def test_ranges_that_are_none(ranges: dict) -> None:
    with pytest.raises(InputError, match=next(iter(ranges))):
        VariationConfig(**ranges)


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


@pytest.mark.parametrize("snr", [20.0, 0.0])
def test_noise_is_as_loud_as_said_and_always_the_same(snr: float) -> None:
    wav = noise(0.1)
    heard = add_noise(wav, snr, np.random.default_rng(0))
    assert heard.dtype == np.float32
    powers = [float(np.mean(np.square(part, dtype=np.float64))) for part in (wav, heard - wav)]
    assert 10 * np.log10(powers[0] / powers[1]) == pytest.approx(snr, abs=0.3)
    once, again, other = (shifted(wav, 16000, utt, {"snr": snr}) for utt in ("a", "a", "b"))
    assert np.array_equal(once, again) and not np.array_equal(once, other)


def test_shifts_do_what_they_are_called() -> None:
    wav = noise(0.1)
    found = {name: shifted(wav, 16000, "a", shift) for name, shift in SHIFTS.items()}
    assert np.array_equal(found["offset 10 ms"], np.concatenate([np.zeros(160, np.float32), wav]))
    assert np.abs(found["gain -6 dB"]).max() == pytest.approx(np.abs(wav).max() * 0.501, rel=1e-2)
    assert len(found["speed 0.95"]) == pytest.approx(len(wav) / 0.95, abs=2)
    assert len(found["noise 10 dB"]) == len(wav)
