"""Convolutional encoder and decoder of the Descript audio codec that treat a padded utterance as they treat it alone.

Kumar et al. 2023 (arXiv 2306.06546, section 3 and appendix A). Between two convolutions everything past an utterance's
end is set to zero, which is what the convolutions find past the end of a tensor.
"""

from __future__ import annotations

from math import ceil, prod

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm
from torch.nn.utils.parametrize import is_parametrized, remove_parametrizations

from lmspt.tokenizer.convnext import length_mask

DILATIONS = (1, 3, 9)


class Conv(nn.Conv1d):
    """A convolution over (B, D, T) that may lie in memory with channels last, as it does where the weight does (:func:`fold`)."""

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (B, D, T) -> (B, D', T')."""
        if torch.is_grad_enabled():
            return super().forward(x)  # lays channels first
        sizes = ((1, *self.stride), (0, *self.padding), (1, *self.dilation))
        return F.conv2d(x[:, :, None], self.weight[:, :, None], self.bias, *sizes)[:, :, 0]


class ConvTranspose(nn.ConvTranspose1d):
    """As :class:`Conv`, the other way."""

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (B, D, T) -> (B, D', T')."""
        if torch.is_grad_enabled():
            return super().forward(x)
        sizes = ((1, *self.stride), (0, *self.padding))
        return F.conv_transpose2d(x[:, :, None], self.weight[:, :, None], self.bias, *sizes)[:, :, 0]


class Snake(nn.Module):
    """x + sin²(αx) / α with an α for each channel (Ziyin et al. 2020): a nonlinearity that repeats itself, as voices do."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.ones(1, dim, 1))

    def forward(self, x: Tensor) -> Tensor:
        """``x`` (B, D, T) -> (B, D, T); zero stays zero."""
        if torch.is_grad_enabled():
            return x + (self.alpha * x).sin().square() / (self.alpha + 1e-9)
        y = (self.alpha * x).sin_().square_()  # in place: fresh memory costs more than the arithmetic
        return torch.addcdiv(x, y, self.alpha + 1e-9, out=y)


class ResidualUnit(nn.Module):
    """A dilated convolution of 7 taps and a pointwise one, residual."""

    def __init__(self, dim: int, dilation: int) -> None:
        super().__init__()
        self.snake = Snake(dim)
        self.dilated = weight_norm(Conv(dim, dim, 7, dilation=dilation, padding=3 * dilation))
        self.snake2 = Snake(dim)
        self.pointwise = weight_norm(Conv(dim, dim, 1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` (B, D, T), zero past the end, and ``mask`` (B, 1, T) -> (B, D, T), zero past the end."""
        return self.pointwise(self.snake2(self.dilated(self.snake(x)))).add_(x).mul_(mask)


class DownBlock(nn.Module):
    """Residual units, then a strided convolution to twice the channels."""

    def __init__(self, dim: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.units = nn.ModuleList(ResidualUnit(dim, dilation) for dilation in DILATIONS)
        self.snake = Snake(dim)
        self.down = weight_norm(Conv(dim, 2 * dim, 2 * stride, stride, padding=ceil(stride / 2)))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` (B, D, T), zero past the end, and ``mask`` (B, 1, T) -> (B, 2 D, T / stride)."""
        for unit in self.units:
            x = unit(x, mask)
        return self.down(self.snake(x))


class UpBlock(nn.Module):
    """A transposed convolution to half the channels, then residual units."""

    def __init__(self, dim: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.snake = Snake(dim)
        self.up = weight_norm(ConvTranspose(dim, dim // 2, 2 * stride, stride, padding=ceil(stride / 2)))
        self.units = nn.ModuleList(ResidualUnit(dim // 2, dilation) for dilation in DILATIONS)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``x`` (B, D, T), zero past ``lengths`` (B,) -> (B, D // 2, T * stride), its lengths; an odd stride loses a sample."""
        x, lengths = self.up(self.snake(x)), lengths * self.stride - self.stride % 2
        mask = _mask(lengths, x)
        x = x.mul_(mask)
        for unit in self.units:
            x = unit(x, mask)
        return x, lengths


class DacEncoder(nn.Module):
    """From a waveform to one latent vector a token frame.

    Args:
        dim: channels of the latents.
        encoder_dim: channels of the first convolution, doubled at each stride.
        strides: their product is the hop length in samples.
    """

    def __init__(self, dim: int, encoder_dim: int, strides: list[int]) -> None:
        super().__init__()
        self.hop_length = prod(strides)
        self.stem = weight_norm(Conv(1, encoder_dim, 7, padding=3))
        self.blocks = nn.ModuleList(DownBlock(encoder_dim * 2**i, stride) for i, stride in enumerate(strides))
        self.snake = Snake(encoder_dim * 2 ** len(strides))
        self.head = weight_norm(Conv(encoder_dim * 2 ** len(strides), dim, 3, padding=1))

    def forward(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T), zero past ``lengths`` (B,) samples -> latents (B, ceil(T / hop_length), dim), lengths (B,) frames."""
        frames = -(-lengths // self.hop_length)
        x = self.stem(F.pad(wav, (0, -wav.shape[1] % self.hop_length))[:, None])
        stride = self.hop_length  # samples of x to a token frame
        mask = _mask(frames * stride, x)
        for block in self.blocks:
            x = block(x.mul_(mask), mask)
            stride //= block.stride
            mask = _mask(frames * stride, x)
        latents = self.head(self.snake(x.mul_(mask))) * mask
        return latents.transpose(1, 2), frames


class DacDecoder(nn.Module):
    """From latents to a waveform.

    Args:
        latent_dim: channels of the latents.
        dim: channels of the first convolution, halved at each stride.
        strides: their product is the hop length in samples.
    """

    def __init__(self, latent_dim: int, dim: int, strides: list[int]) -> None:
        super().__init__()
        self.hop_length = prod(strides)
        self.stem = weight_norm(Conv(latent_dim, dim, 7, padding=3))
        self.blocks = nn.ModuleList(UpBlock(dim // 2**i, stride) for i, stride in enumerate(strides))
        self.snake = Snake(dim // 2 ** len(strides))
        self.head = weight_norm(Conv(dim // 2 ** len(strides), 1, 7, padding=3))

    def forward(self, latents: Tensor, lengths: Tensor) -> Tensor:
        """``latents`` (B, F, latent_dim) and ``lengths`` (B,) frames -> wav (B, F * hop_length), zero past the end.

        The few samples that odd strides lose at the end are zeros too, as in the released model.
        """
        x = latents.transpose(1, 2)
        mask = _mask(lengths, x)
        x = self.stem(x * mask).mul_(mask)
        for block in self.blocks:
            x, lengths = block(x, lengths)
        wav = (self.head(self.snake(x)).tanh() * _mask(lengths, x))[:, 0]
        return F.pad(wav, (0, latents.shape[1] * self.hop_length - wav.shape[1]))


def fold(module: nn.Module) -> None:
    """For inference: the value in place of a normed weight, and on a CPU a convolution's weight with channels last in memory,
    where they are multiplied fastest."""
    if is_parametrized(module, "weight"):
        remove_parametrizations(module, "weight")
    if isinstance(module, Conv | ConvTranspose) and module.weight.is_cpu:
        laid = module.weight.data.transpose(1, 2).clone(memory_format=torch.contiguous_format)  # contiguous() may do nothing
        module.weight.data = laid.transpose(1, 2)


def _mask(lengths: Tensor, x: Tensor) -> Tensor:
    """Mask of real samples of ``x`` (B, D, T): (B, 1, T), of its type."""
    return length_mask(lengths, x.shape[2]).transpose(1, 2).to(x.dtype)
