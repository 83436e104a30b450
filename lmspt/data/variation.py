"""The same utterance as it might be heard: another level, another tempo, another start."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import soxr


@dataclass
class VariationConfig:
    """Ranges drawn from uniformly: ``gain_db`` (dB), ``speed`` (factor; pitch moves along), ``max_offset`` (seconds of
    silence before the utterance, which shifts the frame grid)."""

    gain_db: list[float] = field(default_factory=lambda: [-9.0, 6.0])
    speed: list[float] = field(default_factory=lambda: [0.9, 1.1])
    max_offset: float = 0.1


def vary(wav: np.ndarray, sample_rate: int, config: VariationConfig, rng: np.random.Generator) -> np.ndarray:
    """``wav`` (T,) float32 at another level and tempo; the result has another length, and never clips where ``wav`` did not."""
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
