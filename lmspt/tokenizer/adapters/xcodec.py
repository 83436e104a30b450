"""X-codec (arXiv 2408.17175) through transformers: 16 kHz, 50 Hz, up to 8 codebooks that each hold acoustics and the
features of a HuBERT or WavLM. ``path: hf-audio/xcodec-hubert-librispeech``."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from transformers import XcodecModel

from lmspt.tokenizer.adapter import TRANSFORMERS_FILES, first_codebooks, pretrained


class Codec:
    """See :class:`lmspt.tokenizer.adapter.Codec`."""

    files = TRANSFORMERS_FILES

    def __init__(self, folder: Path, n_codebooks: int | None) -> None:
        self.model = pretrained(XcodecModel, folder)
        config = self.model.config
        self.sample_rate, self.hop_length = config.sample_rate, config.hop_length
        self.streams = first_codebooks(n_codebooks, config.num_quantizers, config.codebook_size)

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (T,) -> codes (K, F)."""
        return self.model.encode(wav[None, None]).audio_codes[0, : len(self.streams)]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (K', F) -> wav (T,)."""
        return self.model.decode(codes[None]).audio_values[0, 0]
