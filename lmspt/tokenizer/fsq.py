"""Finite scalar quantization: no codebook to lose, only a grid."""

from __future__ import annotations

from math import prod

import torch
from torch import Tensor, nn


class FiniteScalarQuantizer(nn.Module):
    """Each of a few channels rounded to one of its levels, straight-through gradient (Mentzer et al. 2024, section 3.1).

    Channels are squashed to [0, levels - 1] by a sigmoid, which needs no case for an even number of levels.

    Args:
        dim: channels of the latents.
        levels: of each channel of the grid; their product is the number of codes.
    """

    def __init__(self, dim: int, levels: list[int]) -> None:
        super().__init__()
        self.project_in = nn.Linear(dim, len(levels))
        self.project_out = nn.Linear(len(levels), dim)
        self.register_buffer("top", torch.tensor(levels) - 1, persistent=False)
        self.register_buffer("place", torch.tensor([prod(levels[:i]) for i in range(len(levels))]), persistent=False)

    def encode(self, latents: Tensor) -> Tensor:
        """``latents`` (B, F, dim) -> codes (B, F) int64: the levels as digits, the first one lowest."""
        return self._codes(self._squash(latents))

    def lookup(self, codes: Tensor) -> Tensor:
        """Codes (B, F) -> latents (B, F, dim)."""
        return self._speak(codes[..., None] // self.place % (self.top + 1))

    def forward(self, latents: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``latents`` (B, F, dim), ``mask`` (B, F, 1) -> quantized latents (B, F, dim), codes (B, F), no loss: zeros (B, F, 1)."""
        levels = self._squash(latents)
        rounded = levels + (levels.round() - levels).detach()
        return self._speak(rounded), self._codes(levels), torch.zeros_like(mask)

    def diversity(self, latents: Tensor, mask: Tensor) -> Tensor:
        """A grid needs no reward for its use: 0."""
        return mask.new_zeros(())

    def _squash(self, latents: Tensor) -> Tensor:
        return self.project_in(latents).sigmoid() * self.top

    def _codes(self, levels: Tensor) -> Tensor:
        return (levels.round().long() * self.place).sum(-1)

    def _speak(self, levels: Tensor) -> Tensor:
        """Levels (B, F, channels) -> latents (B, F, dim), from the grid in [-1, 1]."""
        return self.project_out(2 * levels / self.top - 1)
