"""A Whisper judge's network on a CPU: CTranslate2, 8-bit weights, float32 elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import ctranslate2
import numpy as np


class Ct2Whisper:
    """See :class:`lmspt.score.judge.Whisper`.

    Args:
        folder: with ``model.bin``.
        num_threads: CPU threads.
    """

    arithmetic: ClassVar[dict[str, str]] = {"compute_type": "int8"}
    batch: ClassVar[int] = 4  # the attention of one takes 70 MB

    def __init__(self, folder: Path, num_threads: int) -> None:
        self.model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="int8", intra_threads=num_threads)
        self.n_mels, self.is_multilingual = self.model.n_mels, self.model.is_multilingual

    def generate(self, mels: np.ndarray, prompts: list[list[int]], beam_size: int, no_repeat_ngram_size: int) -> list[list[int]]:
        """Tokens of windows (B, n_mels, 3000), each after its prompt; 0: any may repeat."""
        features = ctranslate2.StorageView.from_array(mels)
        results = self.model.generate(features, prompts, beam_size=beam_size, no_repeat_ngram_size=no_repeat_ngram_size)
        return [result.sequences_ids[0] for result in results]

    def detect_language(self, mels: np.ndarray) -> list[str]:
        """The likeliest language's token of each window, like ``<|en|>``."""
        return [guesses[0][0] for guesses in self.model.detect_language(ctranslate2.StorageView.from_array(mels))]
