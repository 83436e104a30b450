"""Mimi (Kyutai, arXiv 2410.00037) through transformers: 24 kHz, 12.5 Hz, a semantic codebook distilled from WavLM and up to
31 acoustic ones. ``path: kyutai/mimi``."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from transformers import MimiModel

from lmspt.tokenizer.adapter import TRANSFORMERS_FILES, first_codebooks, pretrained


class Codec:
    """See :class:`lmspt.tokenizer.adapter.Codec`."""

    files = TRANSFORMERS_FILES

    def __init__(self, folder: Path, n_codebooks: int | None) -> None:
        self.model = pretrained(MimiModel, folder)
        config = self.model.config
        self.sample_rate, self.hop_length = config.sampling_rate, int(config.sampling_rate / config.frame_rate)
        self.streams = first_codebooks(n_codebooks, config.num_quantizers, config.codebook_size, "semantic")

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (T,) -> codes (K, F)."""
        return self.model.encode(wav[None, None], num_quantizers=len(self.streams)).audio_codes[0]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (K', F) -> wav (T,)."""
        return self.model.decode(codes[None]).audio_values[0, 0]
