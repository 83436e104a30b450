"""The same utterance as it might be heard: another level, another tempo, another start."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypedDict
from zlib import crc32

import numpy as np
import soxr

from lmspt.errors import InputError


class Shift(TypedDict, total=False):
    """``gain`` and ``speed`` (factors), ``offset`` (seconds of silence before), ``snr`` (dB, of white noise)."""

    gain: float
    speed: float
    offset: float
    snr: float


# What a listener would not call another utterance; offsets are fractions of the frames of the rates in use.
SHIFTS: dict[str, Shift] = {
    "gain -6 dB": {"gain": 10 ** (-6 / 20)},
    "offset 10 ms": {"offset": 0.010},
    "offset 40 ms": {"offset": 0.040},
    "speed 0.95": {"speed": 0.95},
    "speed 1.05": {"speed": 1.05},
    "noise 20 dB": {"snr": 20.0},
    "noise 10 dB": {"snr": 10.0},
}


VARIED = {"gain_db": (-9.0, 6.0), "speed": (0.9, 1.1)}


@dataclass
class VariationConfig:
    """Ranges drawn from uniformly: ``gain_db`` (dB), ``speed`` (factor; pitch moves along), ``max_offset`` (seconds of
    silence before the utterance, which shifts the frame grid)."""

    gain_db: list[float] = field(default_factory=lambda: [*VARIED["gain_db"]])
    speed: list[float] = field(default_factory=lambda: [*VARIED["speed"]])
    max_offset: float = 0.1

    def __post_init__(self) -> None:
        for key in ("gain_db", "speed"):
            drawn = getattr(self, key)
            if len(drawn) != 2 or not drawn[0] <= drawn[1]:
                raise InputError(f"{key} {drawn}: write the lowest and the highest, [{', '.join(map(str, VARIED[key]))}]")
        if self.speed[0] <= 0 or self.max_offset < 0:
            raise InputError(f"speed {self.speed}, max_offset {self.max_offset}: must be above 0, and 0 or more")


def vary(wav: np.ndarray, sample_rate: int, config: VariationConfig, rng: np.random.Generator) -> np.ndarray:
    """``wav`` (T,) float32 at another level and tempo; the result has another length. Where it is made louder it stays below full
    scale, but for what a change of tempo adds between samples."""
    speed = rng.uniform(*config.speed)
    gain = 10.0 ** (rng.uniform(*config.gain_db) / 20.0)
    return apply(wav, sample_rate, gain, speed)


def apply(wav: np.ndarray, sample_rate: int, gain: float = 1.0, speed: float = 1.0, offset: int = 0) -> np.ndarray:
    """``wav`` (T,) played ``speed`` times as fast, ``gain`` times as loud (at most to full scale), after ``offset`` zeros."""
    if speed != 1.0:
        wav = soxr.resample(wav, sample_rate * speed, sample_rate, quality="MQ")
    peak = float(np.abs(wav).max(initial=0.0))
    if gain > 1.0 and peak > 0.0:
        gain = max(1.0, min(gain, 0.99 / peak))
    return np.concatenate([np.zeros(offset, np.float32), (wav * gain).astype(np.float32)])


def shifted(wav: np.ndarray, sample_rate: int, utt: str, shift: Shift) -> np.ndarray:
    """``wav`` (T,) as one of ``SHIFTS``; the noise of an utterance is always the same."""
    if "snr" in shift:
        wav = add_noise(wav, shift["snr"], np.random.default_rng(crc32(utt.encode())))
    offset = int(shift.get("offset", 0.0) * sample_rate)
    return apply(wav, sample_rate, shift.get("gain", 1.0), shift.get("speed", 1.0), offset)


def add_noise(wav: np.ndarray, snr: float, rng: np.random.Generator) -> np.ndarray:
    """``wav`` (T,) float32 in white noise, whose mean power is ``snr`` dB below its own."""
    level = np.sqrt(np.mean(np.square(wav, dtype=np.float64))) * 10 ** (-snr / 20)
    return (wav + level * rng.standard_normal(len(wav))).astype(np.float32)
