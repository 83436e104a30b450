"""ConvNeXt blocks over time that treat a padded utterance as they treat it alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def length_mask(lengths: Tensor, n_frames: int) -> Tensor:
    """Mask of real frames, (B, F, 1) float, from lengths (B,) in frames."""
    return (torch.arange(n_frames, device=lengths.device) < lengths[:, None])[..., None].float()


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a channel MLP, residual (Liu et al. 2022, as in Vocos).

    Args:
        dim: channels.
        kernel_size: frames that the convolution spans, odd.
        expansion: hidden channels of the MLP as a multiple of ``dim``.
    """

    def __init__(self, dim: int, kernel_size: int = 7, expansion: int = 3) -> None:
        super().__init__()
        self.mix = nn.Conv1d(dim, dim, kernel_size, padding=kernel_size // 2, groups=dim)
        self.norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, expansion * dim), nn.GELU(), nn.Linear(expansion * dim, dim))
        self.scale = nn.Parameter(torch.full((dim,), 0.1))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` (B, F, D), zero past the end, and ``mask`` (B, F, 1) -> (B, F, D), zero past the end."""
        mixed = self.mix(x.transpose(1, 2)).transpose(1, 2)
        return (x + self.scale * self.mlp(self.norm(mixed))) * mask


class ConvNeXtStack(nn.Module):
    """Blocks in a row, with a norm after the last."""

    def __init__(self, dim: int, n_layers: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ConvNeXtBlock(dim) for _ in range(n_layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` (B, F, D) and ``mask`` (B, F, 1) -> (B, F, D), zero past the end."""
        x = x * mask
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x) * mask
