"""DAC (Descript, arXiv 2306.06546) through transformers: 16, 24 or 44.1 kHz, up to 32 codebooks, none of them semantic.
``path: descript/dac_16khz`` (50 Hz, 12 codebooks)."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from transformers import DacModel

from lmspt.tokenizer.adapter import TRANSFORMERS_FILES, first_codebooks, pretrained


class Codec:
    """See :class:`lmspt.tokenizer.adapter.Codec`."""

    files = TRANSFORMERS_FILES

    def __init__(self, folder: Path, n_codebooks: int | None) -> None:
        self.model = pretrained(DacModel, folder)
        config = self.model.config
        self.sample_rate, self.hop_length = config.sampling_rate, config.hop_length
        self.streams = first_codebooks(n_codebooks, config.n_codebooks, config.codebook_size)

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (T,) -> codes (K, F)."""
        return self.model.encode(wav[None, None], len(self.streams)).audio_codes[0]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (K', F) -> wav (T,), with odd strides a few samples short of F * hop_length."""
        return self.model.decode(audio_codes=codes[None]).audio_values[0]
