"""EnCodec (Meta, arXiv 2210.13438) through transformers: 24 kHz, 75 Hz, up to 32 codebooks, none of them semantic.
``path: facebook/encodec_24khz``."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor
from transformers import EncodecModel

from lmspt.errors import InputError
from lmspt.tokenizer.adapter import TRANSFORMERS_FILES, first_codebooks, pretrained


class Codec:
    """See :class:`lmspt.tokenizer.adapter.Codec`.

    Raises:
        InputError: a model that sends more than codes (the stereo one at 48 kHz scales each second).
    """

    files = TRANSFORMERS_FILES

    def __init__(self, folder: Path, n_codebooks: int | None) -> None:
        self.model = pretrained(EncodecModel, folder)
        config = self.model.config
        if config.audio_channels != 1 or config.normalize or config.chunk_length_s is not None:
            raise InputError(f"{folder}: {config.audio_channels} channels, or scales beside the codes; take facebook/encodec_24khz")
        self.sample_rate, self.hop_length = config.sampling_rate, config.hop_length
        self.streams = first_codebooks(n_codebooks, config.num_quantizers, config.codebook_size)
        self.bandwidth = max(config.target_bandwidths)  # all codebooks; a residual quantizer's first ones do not depend on it

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (T,) -> codes (K, F)."""
        return self.model.encode(wav[None, None], bandwidth=self.bandwidth).audio_codes[0, 0, : len(self.streams)]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (K', F) -> wav (T,)."""
        return self.model.decode(codes[None, None], [None]).audio_values[0, 0]
