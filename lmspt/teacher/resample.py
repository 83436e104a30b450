"""Resampling that a gradient passes: what a tokenizer speaks at its rate, a teacher hears at its own."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

ZEROS = 24  # zero crossings of the sinc on each side
ROLLOFF = 0.945  # of the lower Nyquist frequency, where the filter begins to close


class Resample(nn.Module):
    """Band-limited resampling by one strided convolution: a sinc under a Hann window, a kernel for each phase.

    Method: J. O. Smith, *Digital Audio Resampling Home Page* (ccrma.stanford.edu/~jos/resample).

    Args:
        old: Hz.
        new: Hz; the same as ``old``, and nothing is touched.
    """

    def __init__(self, old: int, new: int) -> None:
        super().__init__()
        divisor = math.gcd(old, new)
        self.old, self.new = old // divisor, new // divisor
        cutoff = min(self.old, self.new) * ROLLOFF
        self.width = math.ceil(ZEROS * self.old / cutoff)
        samples = torch.arange(-self.width, self.width + self.old, dtype=torch.float64) / self.old
        phases = torch.arange(self.new, dtype=torch.float64) / self.new
        t = ((samples - phases[:, None]) * cutoff).clamp(-ZEROS, ZEROS)
        kernels = torch.sinc(t) * torch.cos(t * math.pi / ZEROS / 2).square() * cutoff / self.old
        self.register_buffer("kernels", kernels.float()[:, None], persistent=False)

    def forward(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T), ``lengths`` (B,) samples, both at the old rate -> the same at the new one, zero past the lengths."""
        if self.old == self.new:
            return wav, lengths
        n_samples, lengths = wav.shape[1] * self.new // self.old, lengths * self.new // self.old
        with torch.autocast(wav.device.type, enabled=False):  # a waveform has more digits than half precision
            padded = F.pad(wav.float()[:, None], (self.width, self.width + self.old))
            phases = F.conv1d(padded, self.kernels, stride=self.old)
        resampled = phases.transpose(1, 2).flatten(1)[:, :n_samples]
        return resampled * (torch.arange(n_samples, device=wav.device) < lengths[:, None]), lengths
