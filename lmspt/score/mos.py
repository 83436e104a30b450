"""Opinion scores as DNSMOS predicts them (P.835: overall, signal, background; P.808: overall), from speechmos' ONNX models.

The front end is ours: that of ``speechmos.dnsmos.run`` spends 20 s on what it compiles. A waveform of one window (up to 11 s) has
the same scores. Where there are more windows, speechmos hears one a second; we hear every third, at a third of the cost, which
moves the mean of a set of read speech by less than 0.01 and an utterance by 0.02 (RMS). Reddy, Gopal and Cutler, "DNSMOS P.835",
ICASSP 2022.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime

from lmspt.score.measure import model_in
from lmspt.score.mel import mel_power
from lmspt.score.speech import RATE

P835 = ("dnsmos_models/sig_bak_ovr.onnx", "269fbebdb513aa23cddfbb593542ecc540284a91849ac50516870e1ac78f6edd")
P808 = ("dnsmos_models/model_v8.onnx", "9246480c58567bc6affd4200938e77eef49468c8bc7ed3776d109c07456f6e91")
WINDOW = int(9.01 * RATE)  # samples that the models hear at a time
HOP = 3  # seconds from one window to the next
BATCH = 8  # windows
# What the P.835 model says is bent towards the listeners' scale: a x^2 + b x + c.
CURVES = {
    "sig": (-0.08397278, 1.22083953, 0.0052439),
    "bak": (-0.13166888, 1.60915514, -0.39604546),
    "ovrl": (-0.06766283, 1.11546468, 0.04602535),
}
SCORES = (*CURVES, "p808")


class Dnsmos:
    """The two models.

    Args:
        num_threads: CPU threads.

    Raises:
        NotRun: speechmos is not installed.
    """

    def __init__(self, num_threads: int) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = num_threads
        self.p835, self.p808 = (
            onnxruntime.InferenceSession(model_in("speechmos", *model), options, providers=["CPUExecutionProvider"])
            for model in (P835, P808)
        )

    @staticmethod
    def contract() -> dict[str, Any]:
        """What its scores depend on."""
        return {"p835_sha256": P835[1], "p808_sha256": P808[1], "hop_seconds": HOP}

    def __call__(self, wav: np.ndarray) -> tuple[float, ...]:
        """Scores from 1 to 5 of one utterance, in the order of ``SCORES``.

        Args:
            wav: (T,) at 16 kHz; NaN comes back for one without samples.
        """
        if not len(wav):
            return (float("nan"),) * len(SCORES)
        windows = _windows(wav)
        raw = [self._run(windows[i : i + BATCH]) for i in range(0, len(windows), BATCH)]
        p835, p808 = (np.concatenate(part) for part in zip(*raw, strict=True))
        bent = [np.polyval(curve, p835[:, i]) for i, curve in enumerate(CURVES.values())]
        return tuple(float(scores.mean()) for scores in (*bent, p808[:, 0]))

    def _run(self, windows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mels = np.stack([_log_mel(window) for window in windows])
        return self.p835.run(None, {"input_1": windows})[0], self.p808.run(None, {"input_1": mels})[0]


def _windows(wav: np.ndarray) -> np.ndarray:
    """Windows of 9.01 s (N, 144160); a shorter waveform is doubled until it fills one, as speechmos does."""
    while len(wav) < WINDOW:
        wav = np.concatenate([wav, wav])
    last = int(len(wav) // RATE - WINDOW / RATE)  # speechmos' rule: 10.5 s, too, is one window
    return np.stack([wav[i * RATE : i * RATE + WINDOW] for i in range(0, last + 1, HOP)]).astype(np.float32)


def _log_mel(window: np.ndarray) -> np.ndarray:
    """(144160,) to (900, 120): decibels below the window's maximum, at most 80, mapped to [-1, 1]."""
    power = 10.0 * np.log10(np.maximum(mel_power(window[:-160], 321, 160, 120, RATE), 1e-10))
    return ((np.maximum(power - power.max(), -80.0) + 40.0) / 40.0).astype(np.float32)
