"""Opinion scores as DistillMOS predicts them: a small network that has learned from one on XLS-R features, which has learned from
listeners. Stahl and Gamper, "Distillation and pruning for scalable self-supervised representation-based speech quality
assessment", ICASSP 2025; github.com/microsoft/Distill-MOS.
"""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from functools import cache
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from lmspt.score.measure import NotRun

if TYPE_CHECKING:
    from torch.nn import Module

INSTALL = "pip install --no-deps distillmos==0.9.1 xls-r-sqa==0.1.0"


def distillmos(wav: np.ndarray) -> float:
    """Score from 1 to 5 of (T,) at 16 kHz, the mean over windows of 7.68 s; NaN for no samples.

    Raises:
        NotRun: the package is not installed. It brings torch into a command that does without, so it is the user's to choose.
    """
    model = _model()
    import torch

    if not len(wav):
        return float("nan")
    with torch.inference_mode():
        return model(torch.from_numpy(np.asarray(wav, np.float32))[None]).mean().item()


@cache
def _model() -> Module:
    if find_spec("distillmos") is None:
        raise NotRun(f"distillmos is not installed: {INSTALL}")
    if find_spec("torchaudio") is None:
        sys.modules["torchaudio"] = ModuleType("torchaudio")  # imported there for a command line that is not used here
    from distillmos import ConvTransformerSQAModel

    with redirect_stdout(sys.stderr):
        return ConvTransformerSQAModel().eval()
