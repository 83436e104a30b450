"""Reconstruction losses."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.audio_utils import mel_filter_bank

from lmspt.tokenizer.convnext import length_mask


class MultiResolutionMel(nn.Module):
    """Mean L1 distance of log10-mels at several window lengths (hop a quarter window), over real frames only.

    Args:
        sample_rate: Hz.
        windows: FFT sizes in samples.
        n_mels: mel bins of each.
        linear_weight: of the same distance of the mels themselves, added to it.
    """

    def __init__(
        self,
        sample_rate: int,
        windows: Sequence[int] = (512, 1024, 2048),
        n_mels: Sequence[int] = (40, 80, 160),
        linear_weight: float = 0.0,
    ) -> None:
        super().__init__()
        self.windows, self.linear_weight = windows, linear_weight
        for window, bins in zip(windows, n_mels, strict=True):
            bank = mel_filter_bank(1 + window // 2, bins, 0.0, sample_rate / 2, sample_rate, norm="slaney", mel_scale="slaney")
            self.register_buffer(f"mel_{window}", torch.from_numpy(bank).float(), persistent=False)
            self.register_buffer(f"hann_{window}", torch.hann_window(window), persistent=False)

    def mel(self, wav: Tensor, window: int) -> Tensor:
        """``wav`` (B, T) -> (B, frames, n_mels), the mel magnitude."""
        spectrum = torch.stft(
            wav, window, window // 4, window=getattr(self, f"hann_{window}"), return_complex=True, pad_mode="constant"
        )
        # The small constant keeps the gradient of the magnitude finite where the spectrum is zero.
        magnitude = (spectrum.real.square() + spectrum.imag.square() + 1e-12).sqrt()
        with torch.autocast(wav.device.type, enabled=False):
            return magnitude.transpose(1, 2) @ getattr(self, f"mel_{window}")

    def forward(self, prediction: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
        """Both wavs (B, T), ``lengths`` (B,) samples -> scalar."""
        losses = []
        for window in self.windows:
            mels = self.mel(prediction, window), self.mel(target, window)
            difference = (mels[0].clamp_min(1e-5).log10() - mels[1].clamp_min(1e-5).log10()).abs().mean(dim=2)
            if self.linear_weight:
                difference = difference + self.linear_weight * (mels[0] - mels[1]).abs().mean(dim=2)
            mask = length_mask(1 + lengths // (window // 4), difference.shape[1])[..., 0]
            losses.append((difference * mask).sum() / mask.sum())
        return torch.stack(losses).mean()


def wave_distance(prediction: Tensor, target: Tensor, lengths: Tensor) -> Tensor:
    """Mean L1 distance of samples; both wavs (B, T) are zero past ``lengths`` (B,)."""
    return (prediction - target).abs().sum() / lengths.sum()


def feature_distance(prediction: Tensor, target: Tensor, mask: Tensor, kind: str) -> Tensor:
    """Distance of feature sequences over real frames.

    Args:
        prediction: (B, F, D).
        target: (B, F, D).
        mask: (B, F) bool.
        kind: ``mse`` (squared difference, mean over channels), ``l1``, or ``cosine`` (one minus the cosine of frames).

    Returns:
        Scalar mean over real frames.
    """
    if kind == "mse":
        frames = (prediction - target).square().mean(-1)
    elif kind == "l1":
        frames = (prediction - target).abs().mean(-1)
    else:
        frames = 1.0 - F.cosine_similarity(prediction, target, dim=-1)
    return (frames * mask).sum() / mask.sum().clamp_min(1)


def axis_distance(prediction: Tensor, target: Tensor, mask: Tensor) -> Tensor:
    """SpeechTokenizer's D-axis distance: minus the log sigmoid of the cosine of each channel's course in time.

    Args:
        prediction: (B, F, D).
        target: (B, F, D).
        mask: (B, F) bool.

    Returns:
        Scalar mean over channels, then over the utterances that have a real frame; between 0.31 (same course) and 1.31.
    """
    real = mask[..., None]
    channels = -F.logsigmoid(F.cosine_similarity(prediction * real, target * real, dim=1))
    heard = mask.any(1)
    return (channels.mean(-1) * heard).sum() / heard.sum().clamp_min(1)
