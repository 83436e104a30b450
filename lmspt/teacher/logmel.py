"""The teacher that has learned nothing: a log-mel spectrum at 50 Hz. Clusters of it are the floor that tokens are held to."""

from __future__ import annotations

from math import inf

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers.audio_utils import mel_filter_bank

N_FFT, HOP, N_MELS = 640, 320, 80
FLOOR = -10.0  # decades of power, below which a mel is not told from silence


class LogMelTeacher(nn.Module):
    """Log-mel frames below the utterance's own maximum, so that its gain does not matter: a
    :class:`lmspt.teacher.interface.Teacher` of one layer."""

    name = "logmel"
    sample_rate = 16000
    frame_rate = 50.0
    dim = N_MELS
    n_layers = 1
    max_seconds = inf

    def __init__(self) -> None:
        super().__init__()
        mel = mel_filter_bank(1 + N_FFT // 2, N_MELS, 0.0, 8000.0, self.sample_rate, norm="slaney", mel_scale="slaney")
        self.register_buffer("mel", torch.from_numpy(mel).float(), persistent=False)
        self.register_buffer("window", torch.hann_window(N_FFT), persistent=False)

    def forward(self, wav: Tensor, lengths: Tensor, layers: list[int]) -> tuple[list[Tensor], Tensor]:
        """Decades below the utterance's maximum, from -6 to 0.

        Args:
            wav: (B, T) at 16 kHz, zero beyond ``lengths``.
            lengths: (B,) samples.
            layers: the one layer, as often as it is asked for.

        Returns:
            Features, each (B, T // 320, 80), and the mask of real frames (B, T // 320).
        """
        edge = (N_FFT - HOP) // 2
        spectrum = torch.stft(F.pad(wav, (edge, edge)), N_FFT, HOP, window=self.window, center=False, return_complex=True)
        with torch.autocast(wav.device.type, enabled=False):  # the floor is below what half precision holds
            mel = (spectrum.abs().square().transpose(1, 2) @ self.mel).clamp_min(10.0**FLOOR).log10()
        mask = torch.arange(mel.shape[1], device=wav.device) < (lengths // HOP)[:, None]
        top = mel.masked_fill(~mask[..., None], FLOOR).amax(dim=(1, 2), keepdim=True)
        return [(mel - top).clamp_min(-6.0) * mask[..., None]] * len(layers), mask
