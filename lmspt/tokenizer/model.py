"""LM-SPT by composition: two encoders, two quantizers, a main decoder, and an auxiliary one for the distillation.

    wav ─┬─ semantic encoder ─ VQ ──┬───────────── aux decoder ─ speech from semantic tokens alone
         └─ acoustic encoder ─ (−) ─ RVQ ─ (+) ─── main decoder ─ reconstruction

Paper: arXiv 2506.16738, section 3; the residual ``z_a - s`` is the released model's.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lmspt.errors import InputError
from lmspt.tokenizer.config import ModelConfig
from lmspt.tokenizer.convnext import length_mask
from lmspt.tokenizer.decoder import FRAME_HOP, Decoder
from lmspt.tokenizer.encoder import Encoder
from lmspt.tokenizer.interface import Stream
from lmspt.tokenizer.quantizer import ResidualQuantizer, VectorQuantizer


@dataclass
class Output:
    """What a forward pass yields: wavs (B, T), quantized latents (B, F, dim), codes (B, K, F), mask (B, F, 1), scalars."""

    wav: Tensor
    aux_wav: Tensor
    semantic: Tensor
    codes: Tensor
    mask: Tensor
    commitment: Tensor
    diversity: Tensor


class LMSPT(nn.Module):
    """The tokenizer's network; ``tokenizer.checkpoint`` wraps it with an identity.

    Raises:
        InputError: a frame rate that does not divide the STFT's.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        hop_length = config.sample_rate / config.frame_rate
        if hop_length % FRAME_HOP:
            rates = ", ".join(f"{config.sample_rate / FRAME_HOP / n:g}" for n in (1, 2, 4, 8))
            raise InputError(f"frame_rate {config.frame_rate} at {config.sample_rate} Hz: choose one of {rates} Hz")
        self.config = config
        self.hop_length = int(hop_length)
        encoder = (config.sample_rate, self.hop_length, config.dim, config.encoder_layers, config.slow_layers)
        self.semantic_encoder = Encoder(*encoder, keep_level=False)
        self.acoustic_encoder = Encoder(*encoder, keep_level=True)
        self.semantic_quantizer = VectorQuantizer(config.dim, config.semantic_size, config.code_dim)
        self.acoustic_quantizer = ResidualQuantizer(config.dim, config.acoustic_codebooks, config.acoustic_size, config.code_dim)
        self.decoder = Decoder(config.dim, self.hop_length, config.decoder_dim, config.decoder_layers)
        self.aux_decoder = Decoder(config.dim, self.hop_length, config.aux_dim, config.aux_layers)

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The semantic stream, then the acoustic ones."""
        acoustic = (Stream(f"acoustic{n}", self.config.acoustic_size, False) for n in range(1, self.config.acoustic_codebooks + 1))
        return (Stream("semantic", self.config.semantic_size, True), *acoustic)

    def forward(self, wav: Tensor, lengths: Tensor, keep: Tensor) -> Output:
        """Encode, quantize, and speak twice.

        Args:
            wav: (B, T), zero past ``lengths``.
            lengths: (B,) samples.
            keep: (B,) acoustic codebooks the main decoder hears, 0 for speech from semantic tokens alone.
        """
        z_semantic, frames = self.semantic_encoder(wav, lengths)
        z_acoustic, _ = self.acoustic_encoder(wav, lengths)
        mask = length_mask(frames, z_semantic.shape[1])
        semantic, semantic_codes, semantic_commitment = self.semantic_quantizer(z_semantic, mask)
        carried = semantic.detach() if self.config.detach_semantic else semantic
        acoustic, acoustic_codes, acoustic_commitment = self.acoustic_quantizer(z_acoustic - carried, mask, keep)
        n_samples = wav.shape[1]
        return Output(
            wav=self.decoder(carried + acoustic, frames)[:, :n_samples],
            aux_wav=self.aux_decoder(semantic, frames)[:, :n_samples],
            semantic=semantic,
            codes=torch.cat([semantic_codes[:, None], acoustic_codes], dim=1),
            mask=mask,
            commitment=semantic_commitment + acoustic_commitment,
            diversity=self.semantic_quantizer.diversity(z_semantic, mask),
        )

    @torch.inference_mode()
    def encode(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T), ``lengths`` (B,) samples -> codes (B, K, F), lengths (B,) frames; codes past the end are 0."""
        z_semantic, frames = self.semantic_encoder(wav, lengths)
        z_acoustic, _ = self.acoustic_encoder(wav, lengths)
        semantic = self.semantic_quantizer.encode(z_semantic)
        acoustic = self.acoustic_quantizer.encode(z_acoustic - self.semantic_quantizer.lookup(semantic))
        codes = torch.cat([semantic[:, None], acoustic], dim=1)
        return codes * length_mask(frames, codes.shape[2]).transpose(1, 2).long(), frames

    @torch.inference_mode()
    def decode(self, codes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, K', F) of the first K' streams, ``lengths`` (B,) frames -> wav (B, T), lengths (B,) samples."""
        latents = self.semantic_quantizer.lookup(codes[:, 0])
        if codes.shape[1] > 1:
            latents = latents + self.acoustic_quantizer.lookup(codes[:, 1:])
        return self.decoder(latents, lengths), lengths * self.hop_length
