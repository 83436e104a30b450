"""A Transformer over token frames that treats a padded utterance as it treats it alone."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HEAD_DIM = 64


class Layer(nn.Module):
    """Attention with rotary positions (Su et al. 2021), then an MLP; each is normed before and residual.

    Args:
        dim: channels, a multiple of 64, the size of a head.
        expansion: hidden channels of the MLP as a multiple of ``dim``.
    """

    def __init__(self, dim: int, expansion: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.project_in = nn.Linear(dim, 3 * dim, bias=False)
        self.project_out = nn.Linear(dim, dim, bias=False)
        self.mlp = nn.Sequential(
            nn.LayerNorm(dim), nn.Linear(dim, expansion * dim), nn.GELU(), nn.Linear(expansion * dim, dim)
        )  # fmt: skip

    def forward(self, x: Tensor, turn: Tensor, allowed: Tensor) -> Tensor:
        """``x`` (B, F, D), ``turn`` (2, F, 32), ``allowed`` (B, 1, F, F) bool -> (B, F, D)."""
        query, key, value = self.project_in(self.norm(x)).unflatten(2, (3, -1, HEAD_DIM)).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(_rotate(query, turn), _rotate(key, turn), value, allowed)
        x = x + self.project_out(mixed.transpose(1, 2).flatten(2))
        return x + self.mlp(x)


class Transformer(nn.Module):
    """Layers in a row, with a norm after the last.

    Args:
        dim: channels, a multiple of 64.
        n_layers: layers.
        window: frames to either side that a frame attends to, so that a long utterance asks for no distance unknown from crops.
        expansion: hidden channels of the MLPs as a multiple of ``dim``.
    """

    def __init__(self, dim: int, n_layers: int, window: int, expansion: int = 2) -> None:
        super().__init__()
        self.window = window
        self.layers = nn.ModuleList(Layer(dim, expansion) for _ in range(n_layers))
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """``x`` (B, F, D) and ``mask`` (B, F, 1) -> (B, F, D), zero past the end."""
        at = torch.arange(x.shape[1], device=x.device)
        rates = 10000.0 ** -(torch.arange(0, HEAD_DIM, 2, device=x.device) / HEAD_DIM)
        angle = at[:, None] * rates
        turn = torch.stack([angle.cos(), angle.sin()])
        near = (at[:, None] - at).abs() <= self.window
        # A frame past the end attends to itself, lest its softmax be over nothing.
        allowed = (near & (mask[:, None, :, 0] > 0) | (at[:, None] == at))[:, None]
        for layer in self.layers:
            x = layer(x, turn, allowed)
        return self.norm(x) * mask


def _rotate(x: Tensor, turn: Tensor) -> Tensor:
    """Turn pairs of channels of ``x`` (B, H, F, 64) by angles whose cosine and sine are ``turn`` (2, F, 32)."""
    (first, second), (cos, sin) = x.float().unflatten(-1, (-1, 2)).unbind(-1), turn
    return torch.stack([first * cos - second * sin, first * sin + second * cos], dim=-1).flatten(-2).to(x.dtype)
