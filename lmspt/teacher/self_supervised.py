"""Frozen HuBERT, WavLM and wav2vec2 encoders from transformers, differentiable in the waveform.

Their published forward passes are not the same for an utterance alone and in a padded batch: the first convolution of the
base models is normalised over time, padding included. Here every mean and variance is over an utterance's own frames.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import AutoModel, PreTrainedModel, Wav2Vec2FeatureExtractor

from lmspt.errors import InputError

FAMILIES = ("hubert", "wavlm", "wav2vec2")


class SelfSupervisedTeacher(nn.Module):
    """Features of a frozen encoder whose front end is wav2vec 2.0's: convolutions on the waveform, 50 frames a second.

    Args:
        model: transformers' ``HubertModel``, ``WavLMModel`` or ``Wav2Vec2Model``; its weights are frozen here.
        name: what the contract of a result calls it.
        normalize: was it trained on waveforms of zero mean and unit variance?

    Attributes:
        sample_rate, frame_rate, dim, n_layers, max_seconds, name: see :class:`lmspt.teacher.interface.Teacher`.
    """

    sample_rate = 16000
    max_seconds = math.inf

    def __init__(self, model: PreTrainedModel, name: str, normalize: bool) -> None:
        super().__init__()
        self.model = model.eval().requires_grad_(False)
        self.name, self.normalize = name, normalize
        self.dim, self.n_layers = model.config.hidden_size, model.config.num_hidden_layers
        self.hop_length = math.prod(model.config.conv_stride)
        self.frame_rate = self.sample_rate / self.hop_length
        window = 1
        for kernel, stride in zip(reversed(model.config.conv_kernel), reversed(model.config.conv_stride), strict=True):
            window = (window - 1) * stride + kernel
        # So many zeros around an utterance make a frame of every whole hop.
        self.margin = window - self.hop_length

    def forward(self, wav: Tensor, lengths: Tensor, layers: list[int]) -> tuple[list[Tensor], Tensor]:
        """Hidden states after the given layers.

        Args:
            wav: (B, T) at 16 kHz; what lies beyond ``lengths`` is not heard.
            lengths: (B,) samples.
            layers: 1-based layer numbers; where the encoder ends in a norm (the large models), the last layer's output
                passes it.

        Returns:
            Features, each (B, T // 320, dim), and the mask of real frames (B, T // 320).
        """
        hidden = self._convolve(self._input(wav, lengths), lengths + self.margin)
        hidden = self.model.feature_projection(hidden.transpose(1, 2))
        # wav2vec2 yields what its quantizer wants, too
        hidden = hidden[0] if isinstance(hidden, tuple) else hidden
        mask = torch.arange(hidden.shape[1], device=wav.device) < (lengths // self.hop_length)[:, None]
        return self._encode(hidden * mask[..., None], mask, layers), mask

    def _input(self, wav: Tensor, lengths: Tensor) -> Tensor:
        inside = torch.arange(wav.shape[1], device=wav.device) < lengths[:, None]
        if self.normalize:
            wav = standardize(wav, inside, eps=1e-7)
        return F.pad(wav * inside, (self.margin // 2, self.margin - self.margin // 2))

    def _convolve(self, wav: Tensor, lengths: Tensor) -> Tensor:
        """The front end on (B, T), ``lengths`` (B,) samples -> (B, D, F)."""
        hidden = wav[:, None]
        for layer in self.model.feature_extractor.conv_layers:
            hidden = layer.conv(hidden)
            lengths = (lengths - layer.conv.kernel_size[0]) // layer.conv.stride[0] + 1
            norm = getattr(layer, "layer_norm", None)
            if isinstance(norm, nn.GroupNorm):  # one channel a group
                inside = torch.arange(hidden.shape[2], device=wav.device) < lengths[:, None, None]
                hidden = standardize(hidden, inside, norm.eps) * norm.weight[:, None] + norm.bias[:, None]
            elif norm is not None:
                hidden = norm(hidden.transpose(1, 2)).transpose(1, 2)
            hidden = layer.activation(hidden)
        return hidden

    def _encode(self, hidden: Tensor, mask: Tensor, layers: list[int]) -> list[Tensor]:
        """The Transformer on (B, F, dim), zero where ``mask`` (B, F) is false."""
        encoder, stable = self.model.encoder, self.model.config.do_stable_layer_norm
        hidden = hidden + encoder.pos_conv_embed(hidden)
        if not stable:
            hidden = encoder.layer_norm(hidden)
        padded = not bool(mask.all())
        bias, features = None, []
        for number, layer in enumerate(encoder.layers[: max(layers)], 1):
            if self.model.config.model_type == "wavlm":
                hidden, bias = layer(hidden, attention_mask=mask if padded else None, position_bias=bias)
            else:
                hidden = layer(hidden, attention_mask=mask[:, None, None, :] if padded else None)
            if number in layers:
                features.append(encoder.layer_norm(hidden) if stable and number == self.n_layers else hidden)
        return features


def standardize(x: Tensor, inside: Tensor, eps: float) -> Tensor:
    """Zero mean and unit variance over the last axis, counting only where ``inside`` (broadcast) is true."""
    n = inside.sum(-1, keepdim=True).clamp_min(1)
    mean = (x * inside).sum(-1, keepdim=True) / n
    variance = ((x - mean).square() * inside).sum(-1, keepdim=True) / n
    return (x - mean) / (variance + eps).sqrt()


def load_self_supervised(name: str) -> SelfSupervisedTeacher:
    """A teacher from a folder or an id on the Hugging Face hub.

    Raises:
        InputError: weights or ``preprocessor_config.json`` (which says whether waveforms are normalised) are not to be had.
    """
    try:
        normalize = Wav2Vec2FeatureExtractor.from_pretrained(name).do_normalize
        model = AutoModel.from_pretrained(name, dtype=torch.float32, attn_implementation="sdpa")
    except (OSError, ValueError) as error:
        raise InputError(f"teacher '{name}': cannot be loaded ({error}); give a whole folder or a hub id") from None
    return SelfSupervisedTeacher(model, name, normalize)
