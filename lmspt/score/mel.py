"""Mel spectra in numpy, as librosa and Whisper have them. (librosa's own spends 20 s on its first call: it compiles.)"""

from __future__ import annotations

from functools import cache

import librosa
import numpy as np


def mel_power(wav: np.ndarray, n_fft: int, hop: int, n_mels: int, sample_rate: int, pad_mode: str = "constant") -> np.ndarray:
    """Power in Slaney's mel bands, of Hann windows centred on multiples of ``hop``.

    Args:
        wav: (T,), with ``T > n_fft // 2`` if ``pad_mode`` is ``reflect``.
        n_fft: samples of a window.
        hop: samples from one window to the next.
        n_mels: bands from 0 Hz to half the sample rate.
        sample_rate: Hz.
        pad_mode: what is before and behind the waveform: ``constant`` (zeros) or ``reflect``.

    Returns:
        (1 + (T - n_fft % 2) // hop, n_mels) float64.
    """
    padded = np.pad(wav.astype(np.float64), n_fft // 2, mode=pad_mode)
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop]
    spectrum = np.fft.rfft(frames * np.hanning(n_fft + 1)[:-1])
    return np.square(np.abs(spectrum)) @ _bank(n_fft, n_mels, sample_rate)


@cache
def _bank(n_fft: int, n_mels: int, sample_rate: int) -> np.ndarray:
    return librosa.filters.mel(sr=sample_rate, n_fft=n_fft, n_mels=n_mels).T.astype(np.float64)
