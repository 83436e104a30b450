"""Features of a teacher whose channels count alike, and that, if wanted, no longer tell the place in what was heard."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from lmspt.train.ranks import sum_over_ranks


class Standardize(nn.Module):
    """Channels of a teacher's layers less their mean, by their standard deviation, over all real frames that were followed.

    Args:
        n_places: of how many places, counted in frames from the beginning, the mean is taken by itself; the last has all frames
            that come after it, too. Of one: the mean over all frames.
    """

    def __init__(self, n_layers: int, dim: int, n_places: int = 1) -> None:
        super().__init__()
        self.register_buffer("count", torch.zeros(n_places, 1, dtype=torch.double))
        self.register_buffer("sums", torch.zeros(2, n_layers, n_places, dim, dtype=torch.double))  # of values, of squares

    @torch.no_grad()
    def follow(self, features: list[Tensor], mask: Tensor) -> None:
        """Count the real frames, ``mask`` (B, F), of each layer's (B, F, D), those of all ranks."""
        real = torch.stack(features).double().masked_fill(~mask[..., None], 0)
        places = self._places(mask.shape[1])
        count, sums = torch.zeros_like(self.count), torch.zeros_like(self.sums)
        count.index_add_(0, places, mask.sum(0).double()[:, None])
        sums.index_add_(2, places, torch.stack([real.sum(1), real.square().sum(1)]))
        self.count += sum_over_ranks(count)
        self.sums += sum_over_ranks(sums)

    def forward(self, features: list[Tensor]) -> list[Tensor]:
        """Each layer's (B, F, D), whose gradient passes."""
        values, squares = self.sums
        mean = values / self.count.clamp_min(1)
        square = (squares - self.count * mean.square()).sum(1) / self.count.sum().clamp_min(1)
        deviation = square.clamp_min(1e-8).sqrt()
        places = self._places(features[0].shape[1])
        return [(f - m[places].float()) / d.float() for f, m, d in zip(features, mean, deviation, strict=True)]

    def _places(self, n_frames: int) -> Tensor:
        return torch.arange(n_frames, device=self.count.device).clamp_max(len(self.count) - 1)
