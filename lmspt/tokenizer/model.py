"""LM-SPT by composition: two encoders, two quantizers, a main decoder, and an auxiliary one for the distillation.

    wav ─┬─ semantic encoder ─ VQ ──┬───────────── aux decoder ─ speech from semantic tokens alone
         └─ acoustic encoder ─ (−) ─ RVQ ─ (+) ─── main decoder ─ reconstruction

Paper: arXiv 2506.16738, section 3; the residual ``z_a - s`` is the released model's. Each part is chosen by the config.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional as F

from lmspt.tokenizer.causal import Memory
from lmspt.tokenizer.config import ModelConfig
from lmspt.tokenizer.convnext import length_mask
from lmspt.tokenizer.dac import fold
from lmspt.tokenizer.decoder import build_decoder
from lmspt.tokenizer.encoder import build_encoder
from lmspt.tokenizer.interface import Stream
from lmspt.tokenizer.quantizer import ResidualQuantizer, build_semantic_quantizer, mean_of_frames


@dataclass
class Output:
    """What a forward pass yields: wavs (B, T) and (B, T') at the aux decoder's rate, zero past their lengths, semantic latents
    before and after their quantizer (B, F, dim), codes (B, K, F), mask (B, F, 1), a scalar; ``aux_wav`` only if asked for."""

    wav: Tensor
    aux_wav: Tensor | None
    z_semantic: Tensor
    semantic: Tensor
    codes: Tensor
    mask: Tensor
    commitment: Tensor


class LMSPT(nn.Module):
    """The tokenizer's network; ``tokenizer.checkpoint`` wraps it with an identity."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.hop_length = int(config.sample_rate / config.frame_rate)
        self.aux_hop_length = int(config.aux_rate / config.frame_rate)
        self.semantic_encoder = build_encoder(config, keep_level=config.shared_encoder)
        self.acoustic_encoder = None if config.shared_encoder else build_encoder(config, keep_level=True)
        self.semantic_quantizer = build_semantic_quantizer(config)
        acoustic = (config.acoustic_codebooks, config.acoustic_size, config.code_dim, config.quantizer)
        self.acoustic_quantizer = ResidualQuantizer(config.dim, *acoustic)
        main = (config.decoder_dim, config.decoder_layers, config.decoder_strides)
        self.decoder = build_decoder(config, config.sample_rate, *main)
        aux = (config.aux_dim, config.aux_layers, config.aux_strides)
        self.aux_decoder = build_decoder(config, config.aux_rate, *aux) if config.aux_decoder == "own" else None

    @property
    def streams(self) -> tuple[Stream, ...]:
        """The semantic stream, then the acoustic ones."""
        acoustic = (Stream(f"acoustic{n}", self.config.acoustic_size, False) for n in range(1, self.config.acoustic_codebooks + 1))
        return (Stream("semantic", self.config.semantic_size, True), *acoustic)

    def forward(self, wav: Tensor, lengths: Tensor, keep: Tensor, aux: bool = True) -> Output:
        """Encode, quantize, and speak: from all codes, and from semantic ones alone.

        Args:
            wav: (B, T), zero past ``lengths``.
            lengths: (B,) samples.
            keep: (B,) acoustic codebooks the main decoder hears, 0 for speech from semantic tokens alone.
            aux: is the aux decoder to speak? An objective that does not hear it has no use for it.
        """
        z_semantic, z_acoustic, frames = self._latents(wav, lengths)
        mask = length_mask(frames, z_semantic.shape[1])
        with torch.autocast(wav.device.type, enabled=False):  # the nearest of many codes needs every digit
            semantic, semantic_codes, semantic_commitment = self.semantic_quantizer(z_semantic, mask)
            carried = semantic.detach() if self.config.detach_semantic else semantic
            left = z_acoustic - carried if self.config.semantic_subtraction else z_acoustic
            acoustic, acoustic_codes, acoustic_commitment = self.acoustic_quantizer(left, mask, keep)
        aux_wav, n_samples, sample_rate, aux_rate = None, wav.shape[1], self.config.sample_rate, self.config.aux_rate
        if aux:
            aux_wav = self._aux_speech(semantic, frames)[:, : n_samples * aux_rate // sample_rate]
            aux_wav = _until(lengths * aux_rate // sample_rate, aux_wav)
        return Output(
            wav=_until(lengths, self.decoder(carried + acoustic, frames)[:, :n_samples]),
            aux_wav=aux_wav,
            z_semantic=z_semantic,
            semantic=semantic,
            codes=torch.cat([semantic_codes[:, None], acoustic_codes], dim=1),
            mask=mask,
            commitment=mean_of_frames(semantic_commitment, mask) + acoustic_commitment,
        )

    @torch.no_grad()
    def encode(
        self, wav: Tensor, lengths: Tensor, level: Tensor | None = None, memory: Memory | None = None
    ) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T), ``lengths`` (B,) samples -> codes (B, K, F), lengths (B,) frames; codes past the end are 0.

        ``level`` is that of whole recordings of which ``wav`` are parts, see :meth:`level`.
        ``memory`` is that of a stream, of which ``wav`` is the next piece; a causal tokenizer has one.
        """
        z_semantic, z_acoustic, frames = self._latents(wav, lengths, level=level, memory=memory)
        semantic = self.semantic_quantizer.encode(z_semantic)
        if self.config.semantic_subtraction:
            z_acoustic = z_acoustic - self.semantic_quantizer.lookup(semantic)
        codes = torch.cat([semantic[:, None], self.acoustic_quantizer.encode(z_acoustic)], dim=1)
        return codes * length_mask(frames, codes.shape[2]).transpose(1, 2).long(), frames

    @torch.no_grad()
    def level(self, wav: Tensor, lengths: Tensor) -> Tensor | None:
        """What an encoder that reads a log-mel measures loudness by, (B, 1, 1), of recordings (B, T); None: it needs nothing, or
        is causal and does not know the whole."""
        if self.config.encoder != "stft" or self.config.causal:
            return None
        wav = F.pad(wav, (0, -wav.shape[1] % self.hop_length))  # to the end of the last token frame, as its encoder hears it
        lengths = -(-lengths // self.hop_length) * self.hop_length
        return self.semantic_encoder.log_mel.level(wav, lengths)

    @torch.no_grad()
    def decode(self, codes: Tensor, lengths: Tensor, memory: Memory | None = None) -> tuple[Tensor, Tensor]:
        """Codes (B, K', F) of the first K' streams, ``lengths`` (B,) frames -> wav (B, T), lengths (B,) samples.

        ``memory``: as of :meth:`encode`; for where the wav then begins see :class:`lmspt.tokenizer.decoder.Decoder`.
        """
        latents = self.semantic_quantizer.lookup(codes[:, 0])
        if codes.shape[1] > 1:
            latents = latents + self.acoustic_quantizer.lookup(codes[:, 1:])
        wav = self.decoder(latents, lengths) if memory is None else self.decoder(latents, lengths, memory)
        return wav, lengths * self.hop_length

    @torch.no_grad()
    def decode_aux(self, codes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As ``decode``, of the semantic stream alone and by the aux decoder, at its rate ``config.aux_rate``."""
        return self._aux_speech(self.semantic_quantizer.lookup(codes[:, 0]), lengths), lengths * self.aux_hop_length

    @torch.no_grad()
    def codebooks(self) -> list[Tensor] | None:
        """Codes (size, code_dim) of each stream on the unit sphere, where the nearest is chosen; None: a grid has no codebook."""
        if self.config.fsq_levels:
            return None
        return [F.normalize(stage.codebook, dim=1) for stage in (self.semantic_quantizer, *self.acoustic_quantizer.stages)]

    def fold_weight_norm(self) -> LMSPT:
        """Replace normed weights by their values, once, for inference; returns itself."""
        for module in self.modules():
            fold(module)
        return self

    def _latents(self, wav: Tensor, lengths: Tensor, **context: Tensor | Memory | None) -> tuple[Tensor, Tensor, Tensor]:
        """Semantic and acoustic latents (B, F, dim), which are the same if they share an encoder, and lengths (B,) frames.

        ``context`` are ``level`` and ``memory``, where there are any: not every encoder takes them.
        """
        context = {name: value for name, value in context.items() if value is not None}
        z_semantic, frames = self.semantic_encoder(wav, lengths, **context)
        if self.acoustic_encoder is None:
            return z_semantic.float(), z_semantic.float(), frames
        return z_semantic.float(), self.acoustic_encoder(wav, lengths, **context)[0].float(), frames

    def _aux_speech(self, semantic: Tensor, frames: Tensor) -> Tensor:
        """Semantic latents (B, F, dim), lengths (B,) frames -> wav (B, F * aux_hop_length)."""
        if self.aux_decoder is not None:
            return self.aux_decoder(semantic, frames)
        if self.config.aux_decoder == "shared":
            return self.decoder(semantic, frames)
        frozen = {name: weight.detach() for name, weight in self.decoder.named_parameters()}
        return functional_call(self.decoder, frozen, (semantic, frames))


def _until(lengths: Tensor, wav: Tensor) -> Tensor:
    """``wav`` (B, T) up to ``lengths`` (B,): a decoder speaks to the end of the last token frame, which is after what was heard."""
    return wav * length_mask(lengths, wav.shape[1])[..., 0]
