"""From latents to a waveform by inverse STFT: a Vocos-style decoder, fast on a core where transposed convolutions are not."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmspt.tokenizer.config import STFT_HOP, ModelConfig
from lmspt.tokenizer.convnext import ConvNeXtStack, length_mask
from lmspt.tokenizer.dac import DacDecoder


class InverseSTFT(nn.Module):
    """Overlap-add of windowed inverse FFTs, ``n_fft`` four hops long.

    Four overlapping squared Hann windows sum to 1.5 everywhere, so dividing by that constant replaces the usual
    envelope, and the end of a padded utterance equals the end of the utterance alone.
    """

    def __init__(self, hop_length: int) -> None:
        super().__init__()
        self.hop_length, self.n_fft = hop_length, 4 * hop_length
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)

    def forward(self, spectrum: Tensor) -> Tensor:
        """``spectrum`` (B, F, n_fft // 2 + 1) complex -> (B, F * hop_length)."""
        frames = torch.fft.irfft(spectrum, self.n_fft, dim=2) * self.window
        n_frames = frames.shape[1]
        size = (1, (n_frames - 1) * self.hop_length + self.n_fft)
        wav = F.fold(frames.transpose(1, 2), size, (1, self.n_fft), stride=(1, self.hop_length))[:, 0, 0] / 1.5
        edge = (self.n_fft - self.hop_length) // 2
        return wav[:, edge : edge + n_frames * self.hop_length]


class Decoder(nn.Module):
    """Latents at the token rate are unfolded to 50 Hz, pass ConvNeXt blocks, and become magnitudes and phases.

    Args:
        latent_dim: channels of the latents.
        hop_length: samples a token frame, a multiple of 320.
        dim: channels of the blocks.
        n_layers: blocks at 50 Hz.
    """

    def __init__(self, latent_dim: int, hop_length: int, dim: int, n_layers: int) -> None:
        super().__init__()
        self.hop_length = hop_length
        self.stride = hop_length // STFT_HOP
        self.up = nn.Linear(latent_dim, self.stride * dim)
        self.around = nn.Conv1d(dim, dim, 7, padding=3)
        self.body = ConvNeXtStack(dim, n_layers)
        self.istft = InverseSTFT(STFT_HOP)
        self.head = nn.Linear(dim, 2 * (self.istft.n_fft // 2 + 1))

    def forward(self, latents: Tensor, lengths: Tensor) -> Tensor:
        """``latents`` (B, F, latent_dim) and ``lengths`` (B,) frames -> wav (B, F * hop_length), zero past the end."""
        x = self.up(latents).reshape(latents.shape[0], latents.shape[1] * self.stride, -1)
        mask = length_mask(lengths * self.stride, x.shape[1])
        x = self.around((x * mask).transpose(1, 2)).transpose(1, 2)
        magnitude, phase = self.head(self.body(x, mask)).float().chunk(2, dim=-1)
        # exp() as in Vocos, bounded so that one frame cannot overflow the loss; the phase wraps by itself.
        spectrum = torch.polar((magnitude - 2.0).clamp_max(5.0).exp() * mask, phase)
        wav = self.istft(spectrum)
        return wav * length_mask(lengths * self.hop_length, wav.shape[1])[..., 0]


def build_decoder(config: ModelConfig, sample_rate: int, dim: int, n_layers: int, strides: list[int]) -> nn.Module:
    """The configured kind of decoder, of ``n_layers`` (vocos) or ``strides`` (dac), speaking at ``sample_rate`` (Hz)."""
    if config.decoder == "dac":
        return DacDecoder(config.dim, dim, strides)
    return Decoder(config.dim, int(sample_rate / config.frame_rate), dim, n_layers)
