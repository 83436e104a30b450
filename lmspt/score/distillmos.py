"""Opinion scores as DistillMOS predicts them: a small network that has learned from one on XLS-R features, which has learned from
listeners. Stahl and Gamper, "Distillation and pruning for scalable self-supervised representation-based speech quality
assessment", ICASSP 2025; github.com/microsoft/Distill-MOS.

It hears windows of 7.68 s, one a second where an utterance is longer; here they only overlap as far as they must.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from importlib.util import find_spec
from types import ModuleType

import numpy as np

from lmspt.score.measure import NotRun, model_in

INSTALL = "pip install --no-deps distillmos==0.9.1 xls-r-sqa==0.1.0"
WEIGHTS = ("weights/distill_mos_v7.pt", "b18b3ac60227267cfb91e5d00ce22cc7b73716fd92f269484da1446e27031a40")
WINDOW = 122_880  # samples at 16 kHz


class DistillMos:
    """The model.

    Raises:
        NotRun: the package is not installed. It brings torch into a command that does without, so it is the user's to choose.
        InputError: other weights than these.
    """

    def __init__(self) -> None:
        if find_spec("distillmos") is None:
            raise NotRun(f"distillmos is not installed: {INSTALL}")
        model_in("distillmos", *WEIGHTS)
        if find_spec("torchaudio") is None:
            sys.modules["torchaudio"] = ModuleType("torchaudio")  # imported there for a command line that is not used here
        from distillmos import ConvTransformerSQAModel

        with redirect_stdout(sys.stderr):
            self.model = ConvTransformerSQAModel(segmenting_in_forward=False).eval()

    def __call__(self, wav: np.ndarray) -> float:
        """Score from 1 to 5 of (T,) at 16 kHz, the mean over its windows; NaN for no samples."""
        import torch

        if not len(wav):
            return float("nan")
        with torch.inference_mode():
            return self.model(torch.from_numpy(windows(wav))).mean().item()


def windows(wav: np.ndarray) -> np.ndarray:
    """(T,) to as few evenly spaced windows (N, 122880) as cover it; what is shorter than one ends in silence."""
    wav = np.pad(wav, (0, max(WINDOW - len(wav), 0))).astype(np.float32)
    starts = np.linspace(0, len(wav) - WINDOW, -(-len(wav) // WINDOW)).astype(int)
    return np.stack([wav[start : start + WINDOW] for start in starts])
