"""WakeHuBERT-tiny in torch, differentiable in the waveform: a small student of HuBERT that installs from a package.

Model: huggingface.co/TigreGotico/wakehubert-tiny, 0.64 M parameters, distilled from layers 4, 8 and 12 of
facebook/hubert-base-ls960. It is causal and answers 100 ms late; here its frames are put back to where they belong. It is
far weaker than the teacher it learned from: what it shows is not what HuBERT would.
"""

from __future__ import annotations

from math import inf

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmspt.data.weights import SOURCES, find_weights
from lmspt.teacher.onnx import read_initializers

HOP, DELAY = 320, 5  # samples a frame, frames
MEL_WINDOW, MEL_HOP = 400, 160
DILATIONS = (1, 2, 4, 8, 1, 2, 4, 8)


class WakeHuBERTTeacher(nn.Module):
    """The 128 features of WakeHuBERT-tiny at 50 Hz; they count as its only layer.

    Args:
        weights: of its ONNX file, in the file's order.
        name: what the contract of a result calls it.

    Attributes:
        sample_rate, frame_rate, dim, n_layers, max_seconds, name: see :class:`lmspt.teacher.interface.Teacher`.
    """

    sample_rate, frame_rate, dim, n_layers, max_seconds = 16000, 50.0, 128, 1, inf

    def __init__(self, weights: dict[str, np.ndarray], name: str) -> None:
        super().__init__()
        self.name = name
        tensors = {key.removeprefix("student."): torch.from_numpy(value.copy()) for key, value in weights.items()}
        for key in ("mel.basis", "mel.mel", "out.weight", "out.bias"):
            self.register_buffer(key.replace(".", "_"), tensors[key])
        scale = tensors["norm.weight"] / (tensors["norm.running_var"] + 1e-5).sqrt()
        self.register_buffer("norm_scale", scale[:, None])
        self.register_buffer("norm_shift", (tensors["norm.bias"] - tensors["norm.running_mean"] * scale)[:, None])
        # The exporter folded the other norms into the convolutions and numbered these in the order they are run.
        convolutions = [value for key, value in tensors.items() if key.startswith("onnx::Conv")]
        assert len(convolutions) == 2 + 4 * len(DILATIONS)
        for i, value in enumerate(convolutions):
            self.register_buffer(f"conv_{i}", value)

    def forward(self, wav: Tensor, lengths: Tensor, layers: list[int]) -> tuple[list[Tensor], Tensor]:
        """Its features.

        Args:
            wav: (B, T) at 16 kHz; what lies beyond ``lengths`` is not heard.
            lengths: (B,) samples.
            layers: [1].

        Returns:
            One tensor (B, T // 320, 128), and the mask of real frames (B, T // 320).
        """
        inside = torch.arange(wav.shape[1], device=wav.device) < lengths[:, None]
        n_frames = wav.shape[1] // HOP
        late = self._encode(F.pad(wav * inside, (0, DELAY * HOP)))
        mask = torch.arange(n_frames, device=wav.device) < (lengths // HOP)[:, None]
        return [late[:, DELAY : DELAY + n_frames]], mask

    def _encode(self, wav: Tensor) -> Tensor:
        """(B, T) -> (B, T // 320, 128), 100 ms late."""
        with torch.autocast(wav.device.type, enabled=False):  # a spectrum has more digits than half precision
            spectrum = F.conv1d(F.pad(wav.float()[:, None], (MEL_WINDOW - MEL_HOP, 0)), self.mel_basis, stride=MEL_HOP)
            real, imaginary = spectrum.chunk(2, dim=1)
            mel = (self.mel_mel @ (real.square() + imaginary.square()) + 1e-6).log()
        hidden = F.pad(mel * self.norm_scale + self.norm_shift, (2, 0))
        hidden = F.conv1d(hidden, self.conv_0, self.conv_1, stride=2).relu()
        for i, dilation in enumerate(DILATIONS):
            wide, wide_bias, point, point_bias = (getattr(self, f"conv_{2 + 4 * i + j}") for j in range(4))
            past = F.pad(hidden, (dilation * (wide.shape[-1] - 1), 0))
            inner = F.conv1d(past, wide, wide_bias, dilation=dilation, groups=len(wide)).relu()
            hidden = (F.conv1d(inner, point, point_bias) + hidden).relu()
        return F.conv1d(hidden, self.out_weight, self.out_bias).transpose(1, 2)


def load_wakehubert(name: str) -> WakeHuBERTTeacher:
    """The teacher from the weights called ``name`` (see :func:`lmspt.data.weights.find_weights`).

    Raises:
        InputError: not found, damaged, or not the published file.
    """
    return WakeHuBERTTeacher(read_initializers(find_weights(name) / SOURCES["wakehubert-tiny"].file), name)
