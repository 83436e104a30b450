"""LM-SPT as its authors released it (arXiv 2506.16738): 24 kHz, 12.5 Hz, a semantic codebook and seven acoustic ones.
``path: kakaocorp/lmspt``, weights CC BY-NC 4.0."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lmspt.tokenizer.adapter import first_codebooks
from lmspt.tokenizer.checkpoint import TrainedLMSPT
from lmspt.tokenizer.official import FILE, read_official


class Codec:
    """See :class:`lmspt.tokenizer.adapter.Codec`."""

    files = (FILE,)

    def __init__(self, folder: Path, n_codebooks: int | None) -> None:
        self.model = TrainedLMSPT(*read_official(folder / FILE), FILE).model
        self.sample_rate, self.hop_length = self.model.config.sample_rate, self.model.hop_length
        named = first_codebooks(n_codebooks, available=len(self.model.streams), size=0)
        self.streams = self.model.streams[: len(named)]

    def encode(self, wav: Tensor) -> Tensor:
        """``wav`` (T,) -> codes (K, F)."""
        codes, _ = self.model.encode(wav[None], torch.tensor([len(wav)], device=wav.device))
        return codes[0, : len(self.streams)]

    def decode(self, codes: Tensor) -> Tensor:
        """Codes (K', F) -> wav (T,)."""
        wav, _ = self.model.decode(codes[None], torch.tensor([codes.shape[1]], device=codes.device))
        return wav[0]
