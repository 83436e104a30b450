"""From latents to a waveform by inverse STFT: a Vocos-style decoder, fast on a core where transposed convolutions are not."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmspt.tokenizer.causal import Memory, TimeConv, look_back
from lmspt.tokenizer.config import STFT_HOP, ModelConfig
from lmspt.tokenizer.convnext import ConvNeXtStack, length_mask
from lmspt.tokenizer.dac import DacDecoder


class InverseSTFT(nn.Module):
    """Overlap-add of windowed inverse FFTs, ``n_fft`` four hops long.

    Four overlapping squared Hann windows sum to 1.5 everywhere, so dividing by that constant replaces the usual
    envelope, and the end of a padded utterance equals the end of the utterance alone.

    Attributes:
        edge: samples that a frame's window reaches beyond its own hop, to either side.
    """

    def __init__(self, hop_length: int) -> None:
        super().__init__()
        self.hop_length, self.n_fft = hop_length, 4 * hop_length
        self.edge = (self.n_fft - hop_length) // 2
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)

    def forward(self, magnitude: Tensor, phase: Tensor) -> Tensor:
        """Magnitude and phase (radians), each (B, F, n_fft // 2 + 1), -> (B, F * hop_length)."""
        frames = torch.fft.irfft(torch.polar(magnitude, phase), self.n_fft, dim=2) * self.window
        n_frames = frames.shape[1]
        size = (1, (n_frames - 1) * self.hop_length + self.n_fft)
        wav = F.fold(frames.transpose(1, 2), size, (1, self.n_fft), stride=(1, self.hop_length))[:, 0, 0] / 1.5
        return wav[:, self.edge : self.edge + n_frames * self.hop_length]

    def follow(self, magnitude: Tensor, phase: Tensor, memory: Memory) -> Tensor:
        """The next F frames of a stream -> (B, F * hop_length), from ``edge`` samples before these frames on."""
        behind = self.n_fft // self.hop_length - 1  # frames before them that reach into these samples
        spectrum = (("magnitude", magnitude), ("phase", phase))
        heard = (look_back(x.transpose(1, 2), behind, memory, (self, name)).transpose(1, 2) for name, x in spectrum)
        return self(*heard)[:, self.edge : self.edge + magnitude.shape[1] * self.hop_length]

    def rest(self, memory: Memory) -> Tensor:
        """The last ``edge`` samples (B, edge) of a stream that no frame follows."""
        past = memory[self, "magnitude"]
        silence = past.new_zeros(past.shape[0], -(-self.edge // self.hop_length), past.shape[1])
        return self.follow(silence, silence, memory)[:, : self.edge]


class Decoder(nn.Module):
    """Latents at the token rate are unfolded to 50 Hz, pass ConvNeXt blocks, and become magnitudes and phases.

    A ``causal`` one looks ahead as far as the windows of the inverse STFT reach and no farther: 480 samples, 30 ms at 16 kHz.

    Args:
        latent_dim: channels of the latents.
        hop_length: samples a token frame, a multiple of 320.
        dim: channels of the blocks.
        n_layers: blocks at 50 Hz.
        causal: a frame hears those before it, not those after it.
    """

    def __init__(self, latent_dim: int, hop_length: int, dim: int, n_layers: int, causal: bool = False) -> None:
        super().__init__()
        self.hop_length = hop_length
        self.stride = hop_length // STFT_HOP
        self.up = nn.Linear(latent_dim, self.stride * dim)
        self.around = TimeConv(dim, dim, 7, causal=causal)
        self.body = ConvNeXtStack(dim, n_layers, causal)
        self.istft = InverseSTFT(STFT_HOP)
        self.head = nn.Linear(dim, 2 * (self.istft.n_fft // 2 + 1))

    def forward(self, latents: Tensor, lengths: Tensor, memory: Memory | None = None) -> Tensor:
        """``latents`` (B, F, latent_dim) and ``lengths`` (B,) frames -> wav (B, F * hop_length), zero past the end.

        With ``memory`` they are the next piece of a stream, and the wav begins ``istft.edge`` samples before them: its last
        samples need frames that follow.
        """
        x = self.up(latents).reshape(latents.shape[0], latents.shape[1] * self.stride, -1)
        mask = length_mask(lengths * self.stride, x.shape[1])
        x = self.around((x * mask).transpose(1, 2), memory).transpose(1, 2)
        magnitude, phase = self.head(self.body(x, mask, memory)).float().chunk(2, dim=-1)
        # exp() as in Vocos, bounded so that one frame cannot overflow the loss; the phase wraps by itself.
        magnitude = (magnitude - 2.0).clamp_max(5.0).exp() * mask
        if memory is not None:
            return self.istft.follow(magnitude, phase, memory)
        wav = self.istft(magnitude, phase)
        return wav * length_mask(lengths * self.hop_length, wav.shape[1])[..., 0]


def build_decoder(config: ModelConfig, sample_rate: int, dim: int, n_layers: int, strides: list[int]) -> nn.Module:
    """The configured kind of decoder, of ``n_layers`` (vocos) or ``strides`` (dac), speaking at ``sample_rate`` (Hz)."""
    if config.decoder == "dac":
        return DacDecoder(config.dim, dim, strides)
    return Decoder(config.dim, int(sample_rate / config.frame_rate), dim, n_layers, config.causal)
