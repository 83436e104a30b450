"""A tokenizer as two ONNX graphs, for programs without torch.

    encode.onnx   wav (batch, samples) float32, lengths (batch,) int64 samples -> codes (batch, streams, frames), frames (batch,)
    decode.onnx   codes (batch, streams, frames) int64, lengths (batch,) int64 frames -> wav (batch, samples), samples (batch,)

``samples`` is a whole number of token frames of ``hop_length`` samples: fill the last one with zeros. ``tokenizer.json`` beside
them has rates and codebook sizes. Exporters know neither complex numbers nor FFTs well: here the spectra are convolutions.
"""

from __future__ import annotations

import copy
import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim
from torch.nn import functional as F

from lmspt.errors import InputError
from lmspt.files import atomic, write_json
from lmspt.tokenizer.checkpoint import TrainedLMSPT
from lmspt.tokenizer.decoder import Decoder, InverseSTFT
from lmspt.tokenizer.encoder import LogMel, PowerSpectrum
from lmspt.tokenizer.interface import Tokenizer, store_meta
from lmspt.tokenizer.model import LMSPT


def export_onnx(tokenizer: Tokenizer, folder: Path) -> None:
    """Write ``encode.onnx``, ``decode.onnx`` and ``tokenizer.json``.

    Args:
        tokenizer: an LM-SPT.
        folder: where to; made if missing.

    Raises:
        InputError: a tokenizer of another kind.
    """
    if not isinstance(tokenizer, TrainedLMSPT):
        raise InputError(f"{tokenizer.tok_id}: only LM-SPT tokenizers are exported; a published one's authors may have its graph")
    model = without_ffts(copy.deepcopy(tokenizer.model).cpu())
    hop_length, n_streams = model.hop_length, len(model.streams)
    batch, frames = Dim("batch"), Dim("frames")
    wav = {"wav": torch.zeros(2, 8 * hop_length), "lengths": torch.tensor([8, 7]) * hop_length}
    _write(folder / "encode.onnx", Encode(model), wav, {"wav": {0: batch, 1: hop_length * frames}}, ["codes", "frames"])
    codes = {"codes": torch.zeros(2, n_streams, 8, dtype=torch.long), "lengths": torch.tensor([8, 7])}
    _write(folder / "decode.onnx", Decode(model), codes, {"codes": {0: batch, 2: frames}}, ["wav", "samples"])
    write_json(folder / "tokenizer.json", {**store_meta(tokenizer), "hop_length": hop_length})


def without_ffts(model: LMSPT) -> LMSPT:
    """Put convolutions in the place of its spectra; returns itself."""
    for module in list(model.modules()):
        if isinstance(module, LogMel):
            module.power = ConvolvedPower(module.power)
        elif isinstance(module, Decoder):
            module.istft = ConvolvedInverse(module.istft)
    return model


class ConvolvedPower(nn.Module):
    """A :class:`lmspt.tokenizer.encoder.PowerSpectrum` by convolution with windowed cosines and sines."""

    def __init__(self, power: PowerSpectrum) -> None:
        super().__init__()
        self.n_fft, self.hop_length = power.n_fft, power.hop_length
        self.register_buffer("waves", (_waves(self.n_fft) * power.window).float()[:, None])

    def forward(self, wav: Tensor) -> Tensor:
        """``wav`` (B, T) -> (B, F, n_fft // 2 + 1)."""
        cosine, sine = F.conv1d(wav[:, None], self.waves, stride=self.hop_length).chunk(2, dim=1)
        return (cosine.square() + sine.square()).transpose(1, 2)


class ConvolvedInverse(nn.Module):
    """A :class:`lmspt.tokenizer.decoder.InverseSTFT` by transposed convolution.

    x[n] = 1/N sum_k c_k (Re X[k] cos(2 pi k n / N) - Im X[k] sin(2 pi k n / N)), where c_k counts the frequency k and its mirror
    image: 1 for k = 0 and N/2, else 2.
    """

    def __init__(self, istft: InverseSTFT) -> None:
        super().__init__()
        self.hop_length, self.edge = istft.hop_length, istft.edge
        count = torch.full((istft.n_fft // 2 + 1, 1), 2.0, dtype=torch.float64)
        count[[0, -1]] = 1.0
        waves = _waves(istft.n_fft) * torch.cat([count, -count]) / istft.n_fft
        self.register_buffer("waves", (waves * istft.window / 1.5).float()[:, None])

    def forward(self, magnitude: Tensor, phase: Tensor) -> Tensor:
        """Magnitude and phase (B, F, n_fft // 2 + 1) -> (B, F * hop_length)."""
        spectrum = torch.cat([magnitude * phase.cos(), magnitude * phase.sin()], dim=2).transpose(1, 2)
        wav = F.conv_transpose1d(spectrum, self.waves, stride=self.hop_length)[:, 0]
        return wav[:, self.edge : self.edge + magnitude.shape[1] * self.hop_length]


class Encode(nn.Module):
    """``encode`` as what an exporter calls."""

    def __init__(self, model: LMSPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`lmspt.tokenizer.model.LMSPT.encode`."""
        return self.model.encode(wav, lengths)


class Decode(nn.Module):
    """``decode`` as what an exporter calls."""

    def __init__(self, model: LMSPT) -> None:
        super().__init__()
        self.model = model

    def forward(self, codes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """See :meth:`lmspt.tokenizer.model.LMSPT.decode`."""
        return self.model.decode(codes, lengths)


def _waves(n: int) -> Tensor:
    """Cosines and sines (2 (n // 2 + 1), n) float64 of the frequencies of a real FFT."""
    turns = torch.outer(torch.arange(n // 2 + 1), torch.arange(n)) % n  # whole numbers: no digit is lost
    angles = turns.double() * (2 * torch.pi / n)
    return torch.cat([angles.cos(), angles.sin()])


def _write(path: Path, module: nn.Module, inputs: dict[str, Tensor], shapes: dict[str, Any], outputs: list[str]) -> None:
    """Export ``module``, called with ``inputs``, whose first one has ``shapes`` and whose ``lengths`` are as many as its rows."""
    (first,) = shapes.values()
    for name in ("onnx_ir", "onnxscript", "torch.onnx"):
        logging.getLogger(name).setLevel(logging.ERROR)  # they tell of every node
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the exporter warns of itself
        program = torch.onnx.export(
            module.eval(),
            kwargs=inputs,
            input_names=list(inputs),
            output_names=outputs,
            dynamic_shapes={**shapes, "lengths": {0: first[0]}},
            external_data=False,
            verbose=False,
        )
    with atomic(path) as temporary:
        program.save(temporary, external_data=False)
