"""From a waveform to one latent vector a token frame."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.audio_utils import mel_filter_bank

from lmspt.tokenizer.causal import Memory, TimeConv, look_back
from lmspt.tokenizer.config import ModelConfig
from lmspt.tokenizer.convnext import ConvNeXtStack, length_mask
from lmspt.tokenizer.dac import DacEncoder
from lmspt.tokenizer.transformer import Transformer

MEL_HOP, N_MELS = 160, 80
FLOOR = -10.0  # of log10 energies: digital silence
LEVEL_FRAMES = 6000  # a minute: spectra are held no longer than that where only the loudest frame is looked for
RECENT_FRAMES = 1000  # 10 s, of which the loudest is the level of a causal encoder
WINDOW_SECONDS = 3.0  # that a Transformer looks back and ahead: what the paper's crops of 6 s teach


class PowerSpectrum(nn.Module):
    """Squared magnitudes of Hann-windowed FFTs, ``n_fft`` four hops long, without padding."""

    def __init__(self, hop_length: int) -> None:
        super().__init__()
        self.hop_length, self.n_fft = hop_length, 4 * hop_length
        self.register_buffer("window", torch.hann_window(self.n_fft), persistent=False)

    def forward(self, wav: Tensor) -> Tensor:
        """``wav`` (B, T), T three hops more than F, -> (B, F, n_fft // 2 + 1)."""
        spectrum = torch.stft(wav, self.n_fft, self.hop_length, window=self.window, center=False, return_complex=True)
        return spectrum.abs().square().transpose(1, 2)


class LogMel(nn.Module):
    """Log-mel at 100 Hz whose floor and level are the utterance's own, so that its gain does not matter.

    The level of an utterance is its loudest frame; to a ``causal`` log-mel, which hears no sample after a frame's own 160, each
    frame's is the loudest of the 10 s up to it.

    Args:
        sample_rate: Hz.
        keep_level: add the utterance's level back, for an encoder that must reproduce loudness.
        causal: see above.
    """

    def __init__(self, sample_rate: int, keep_level: bool, causal: bool = False) -> None:
        super().__init__()
        self.power = PowerSpectrum(MEL_HOP)
        self.reach = self.power.n_fft - MEL_HOP  # samples that a frame hears beside its own
        self.keep_level, self.causal = keep_level, causal
        n_fft = self.power.n_fft
        mel = mel_filter_bank(1 + n_fft // 2, N_MELS, 20.0, sample_rate / 2, sample_rate, norm="slaney", mel_scale="slaney")
        self.register_buffer("mel", torch.from_numpy(mel).float(), persistent=False)

    def forward(self, wav: Tensor, lengths: Tensor, level: Tensor | None = None, memory: Memory | None = None) -> Tensor:
        """``wav`` (B, T), T a multiple of 160, zero past ``lengths`` (B,) samples -> (B, T // 160, 80).

        ``level`` (B, 1, 1) is that of the recording of which ``wav`` is a part; without it ``wav`` is all there is. To a causal
        log-mel ``wav`` can be the next piece of the stream that ``memory`` belongs to.
        """
        if self.causal:
            mel = self._absolute(look_back(wav, self.reach, memory, (self, "wav")))
            loudest = look_back(mel.amax(2), RECENT_FRAMES - 1, memory, (self, "loudest"), fill=FLOOR)
            top = F.max_pool1d(loudest[:, None], RECENT_FRAMES, stride=1).transpose(1, 2)
        else:
            mel = self._absolute(F.pad(wav, (self.reach // 2, self.reach // 2)))
            top = _loudest(mel, lengths // MEL_HOP) if level is None else level
        mel = (mel - top).clamp_min(-6.0) + 3.0
        return mel + 0.5 * (top - 1.0) if self.keep_level else mel

    def level(self, wav: Tensor, lengths: Tensor) -> Tensor:
        """The loudest value (B, 1, 1) of the log-mel of recordings (B, T) of any length."""
        wav, n_frames = F.pad(wav, (self.reach // 2, self.reach // 2)), wav.shape[1] // MEL_HOP
        parts = []
        for begin in range(0, n_frames, LEVEL_FRAMES):
            end = min(begin + LEVEL_FRAMES, n_frames)
            mel = self._absolute(wav[:, begin * MEL_HOP : end * MEL_HOP + self.reach])
            parts.append(_loudest(mel, lengths // MEL_HOP - begin))
        return torch.cat(parts, dim=1).amax(dim=1, keepdim=True)

    def _absolute(self, wav: Tensor) -> Tensor:
        with torch.autocast(wav.device.type, enabled=False):  # the floor is below what half precision holds
            return (self.power(wav) @ self.mel).clamp_min(10.0**FLOOR).log10()


def _loudest(mel: Tensor, lengths: Tensor) -> Tensor:
    """Maximum (B, 1, 1) of the real frames of (B, F, n_mels)."""
    inside = length_mask(lengths, mel.shape[1]).bool()
    return mel.masked_fill(~inside, -torch.inf).amax(dim=(1, 2), keepdim=True)


class Encoder(nn.Module):
    """Log-mel, ConvNeXt blocks at 50 Hz, a strided convolution to the token rate, ConvNeXt blocks there.

    A ``causal`` one does not look ahead: a token frame hears its own samples and what was before.

    Args:
        sample_rate: Hz.
        hop_length: samples a token frame, a multiple of 320.
        dim: channels, of the latents too.
        n_layers: blocks at 50 Hz.
        n_slow_layers: blocks at the token rate.
        keep_level: whether loudness reaches the latents.
        causal: see above.
    """

    def __init__(
        self, sample_rate: int, hop_length: int, dim: int, n_layers: int, n_slow_layers: int, keep_level: bool, causal: bool = False
    ) -> None:
        super().__init__()
        self.hop_length = hop_length
        self.log_mel = LogMel(sample_rate, keep_level, causal)
        self.stem = TimeConv(N_MELS, dim, 4, stride=2, causal=causal)
        self.fast = ConvNeXtStack(dim, n_layers, causal)
        stride = hop_length // (2 * MEL_HOP)
        self.down = nn.Linear(stride * dim, dim)
        self.stride = stride
        self.slow = ConvNeXtStack(dim, n_slow_layers, causal)

    def forward(
        self, wav: Tensor, lengths: Tensor, level: Tensor | None = None, memory: Memory | None = None
    ) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T) and ``lengths`` (B,) samples -> latents (B, F, dim), F = ceil(T / hop_length), and lengths (B,) frames.

        ``level`` and ``memory``: see :meth:`LogMel.forward`; a piece of a stream is of whole token frames, unless it is the last.
        """
        frame_lengths = -(-lengths // self.hop_length)
        wav = F.pad(wav, (0, -wav.shape[-1] % self.hop_length))
        whole = frame_lengths * self.hop_length
        mel = self.log_mel(wav, whole, level, memory)
        mel = mel * length_mask(whole // MEL_HOP, mel.shape[1])
        x = self.stem(mel.transpose(1, 2), memory).transpose(1, 2)
        x = self.fast(x, length_mask(frame_lengths * self.stride, x.shape[1]), memory)
        x = self.down(x.reshape(x.shape[0], -1, self.stride * x.shape[2]))
        return self.slow(x, length_mask(frame_lengths, x.shape[1]), memory), frame_lengths


class ConvTransformer(nn.Module):
    """Convolutions on the waveform, then a Transformer at the token rate (the paper's first version, appendix D).

    Args:
        convolutions: from the waveform to latents.
        dim: channels of the latents, a multiple of 64.
        n_layers: layers of the Transformer.
        window: frames to either side that its attention reaches.
    """

    def __init__(self, convolutions: DacEncoder, dim: int, n_layers: int, window: int) -> None:
        super().__init__()
        self.convolutions = convolutions
        self.transformer = Transformer(dim, n_layers, window)

    def forward(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T), zero past ``lengths`` (B,) samples -> latents (B, ceil(T / hop_length), dim), lengths (B,) frames."""
        latents, frames = self.convolutions(wav, lengths)
        return self.transformer(latents, length_mask(frames, latents.shape[1])), frames


def build_encoder(config: ModelConfig, keep_level: bool) -> nn.Module:
    """The configured kind of encoder; ``keep_level``: whether loudness reaches the latents of one that reads a log-mel."""
    if config.encoder == "stft":
        layers = (config.encoder_layers, config.slow_layers)
        hop_length = int(config.sample_rate / config.frame_rate)
        return Encoder(config.sample_rate, hop_length, config.dim, *layers, keep_level, config.causal)
    convolutions = DacEncoder(config.dim, config.encoder_dim, config.strides)
    if config.encoder == "dac":
        return convolutions
    window = int(WINDOW_SECONDS * config.frame_rate)
    return ConvTransformer(convolutions, config.dim, config.transformer_layers, window)
