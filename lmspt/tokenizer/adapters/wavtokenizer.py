"""WavTokenizer (arXiv 2408.16532) through transformers: 24 kHz, 40 or 75 Hz, one codebook of 4096.
``path: swiss-ai/wavtokenizer-large-unify-40token``."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from transformers import WavTokenizerModel

from lmspt.tokenizer.adapter import TRANSFORMERS_FILES, first_codebooks, pretrained


class Codec:
    """See :class:`lmspt.tokenizer.adapter.Codec`."""

    files = TRANSFORMERS_FILES

    def __init__(self, folder: Path, n_codebooks: int | None) -> None:
        self.model = pretrained(WavTokenizerModel, folder)
        config = self.model.config
        self.sample_rate, self.hop_length = config.sampling_rate, config.hop_length
        self.streams = first_codebooks(n_codebooks, 1, config.codebook_size)

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (T,) -> codes (1, F)."""
        return self.model.encode(wav[None, None]).audio_codes[0]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (1, F) -> wav (T,)."""
        return self.model.decode(codes[None]).audio_values.flatten()
