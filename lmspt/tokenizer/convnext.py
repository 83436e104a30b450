"""ConvNeXt blocks over time that treat a padded utterance as they treat it alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmspt.tokenizer.causal import Memory, TimeConv


def length_mask(lengths: Tensor, n_frames: int) -> Tensor:
    """Mask of real frames, (B, F, 1) float, from lengths (B,) in frames."""
    return (torch.arange(n_frames, device=lengths.device) < lengths[:, None])[..., None].float()


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a channel MLP, residual (Liu et al. 2022, as in Vocos).

    Args:
        dim: channels.
        kernel_size: frames that the convolution spans, odd.
        expansion: hidden channels of the MLP as a multiple of ``dim``.
        causal: a frame hears those before it, not those after it.
    """

    def __init__(self, dim: int, kernel_size: int = 7, expansion: int = 3, causal: bool = False) -> None:
        super().__init__()
        self.mix = TimeConv(dim, dim, kernel_size, groups=dim, causal=causal)
        self.norm = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(nn.Linear(dim, expansion * dim), nn.GELU(), nn.Linear(expansion * dim, dim))
        self.scale = nn.Parameter(torch.full((dim,), 0.1))

    def forward(self, x: Tensor, mask: Tensor, memory: Memory | None = None) -> Tensor:
        """``x`` (B, F, D), zero past the end, and ``mask`` (B, F, 1) -> (B, F, D), zero past the end."""
        mixed = self.mix(x.transpose(1, 2), memory).transpose(1, 2)
        return (x + self.scale * self.mlp(self.norm(mixed))) * mask


class ConvNeXtStack(nn.Module):
    """Blocks in a row, with a norm after the last."""

    def __init__(self, dim: int, n_layers: int, causal: bool = False) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(ConvNeXtBlock(dim, causal=causal) for _ in range(n_layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, mask: Tensor, memory: Memory | None = None) -> Tensor:
        """``x`` (B, F, D) and ``mask`` (B, F, 1) -> (B, F, D), zero past the end; with ``memory`` the next piece of a stream."""
        x = x * mask
        for block in self.blocks:
            x = block(x, mask, memory)
        return self.norm(x) * mask
