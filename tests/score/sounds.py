"""Sounds that are something like voices, the same on every machine."""

from __future__ import annotations

import numpy as np

RATE = 16000


def voice(seconds: float, pitch: float = 120.0, formants: tuple[float, ...] = (500.0, 1500.0, 2500.0)) -> np.ndarray:
    """(T,) float32 at 16 kHz: harmonics of a gliding pitch (Hz) under formants (Hz), four syllables a second."""
    time = np.arange(round(seconds * RATE)) / RATE
    phase = 2 * np.pi * pitch * (time + 0.01 * np.sin(2 * np.pi * 0.7 * time))
    wav = np.zeros_like(time)
    for harmonic in range(1, int(3800 / pitch)):
        strength = sum(np.exp(-(((harmonic * pitch - formant) / 150) ** 2)) for formant in formants)
        wav += (strength + 0.02) * np.cos(harmonic * phase)
    wav *= np.clip(np.sin(2 * np.pi * 2 * time), 0.02, None)
    return (0.3 * wav / np.abs(wav).max()).astype(np.float32)
