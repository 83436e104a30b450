"""Vector quantization with trained codes, as in DAC and the released LM-SPT, and with revival of dead ones, which they lack."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.parametrizations import weight_norm

from lmspt.train.ranks import from_first_rank, sum_over_ranks

REVIVE_AFTER = 10.0  # vectors a code, on all ranks
DEAD_SHARE = 0.1  # of the mean use: below it a code is dead
TEMPERATURE = 0.1  # of a soft choice by cosine
CODEBOOK_WEIGHT = 4.0  # of the codebook loss to one of the commitment: 1.0 to 0.25 in DAC and the released trainer


class GradientQuantizer(nn.Module):
    """One codebook in a small space: nearest by cosine (Yu et al. 2022), trained by a codebook loss, straight-through gradient.

    A code that is hardly chosen while ten vectors a code go by is put on a vector of the present batch. Then the count
    begins anew.

    Args:
        dim: channels of the latents.
        size: codes.
        code_dim: channels of the codes.
    """

    def __init__(self, dim: int, size: int, code_dim: int) -> None:
        super().__init__()
        self.size = size
        self.project_in = weight_norm(nn.Linear(dim, code_dim))
        self.project_out = weight_norm(nn.Linear(code_dim, dim))
        self.codebook = nn.Parameter(torch.randn(size, code_dim))
        self.register_buffer("count", torch.zeros(size))

    def encode(self, latents: Tensor) -> Tensor:
        """``latents`` (B, F, dim) -> codes (B, F) int64."""
        return self._cosine(self.project_in(latents)).argmax(dim=-1)

    def lookup(self, codes: Tensor) -> Tensor:
        """Codes (B, F) -> latents (B, F, dim)."""
        return self.project_out(self.codebook[codes])

    def forward(self, latents: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantize; in training, also revive.

        Args:
            latents: (B, F, dim).
            mask: (B, F, 1), real frames; others count nowhere.

        Returns:
            Quantized latents (B, F, dim), codes (B, F), and the loss of each frame (B, F, 1): commitment plus four times the
            codebook's, each the mean squared distance of vector and code over the channels of code space.
        """
        vectors = self.project_in(latents)
        real = mask[..., 0] > 0
        if self.training:
            self._revive(vectors.detach()[real])  # before the codes are read: what autograd has saved must not change
        with torch.no_grad():
            codes = self._cosine(vectors).argmax(dim=-1)
        if self.training:
            self.count += sum_over_ranks(torch.bincount(codes[real], minlength=self.size).to(self.count.dtype))
        chosen = self.codebook[codes]
        distances = F.mse_loss(vectors, chosen.detach(), reduction="none")
        distances = distances + CODEBOOK_WEIGHT * F.mse_loss(chosen, vectors.detach(), reduction="none")
        return self.project_out(vectors + (chosen - vectors).detach()), codes, distances.mean(-1, keepdim=True)

    def diversity(self, latents: Tensor, mask: Tensor) -> Tensor:
        """Entropy in nats of the batch's mean soft assignment; arguments as of ``VectorQuantizer.diversity``."""
        return entropy_of_use(self._cosine(self.project_in(latents)), mask)

    def _cosine(self, vectors: Tensor) -> Tensor:
        """Cosine of vectors (B, F, code_dim) and codes: (B, F, size)."""
        return F.normalize(vectors, dim=-1) @ F.normalize(self.codebook, dim=-1).T

    @torch.no_grad()
    def _revive(self, vectors: Tensor) -> None:
        """Put dead codes on vectors (N, code_dim) of the first rank, a little apart from each other, when it is time."""
        if self.count.sum() < REVIVE_AFTER * self.size:
            return
        dead = self.count < DEAD_SHARE * self.count.mean()
        index = torch.randint(len(vectors), (int(dead.sum()),), device=vectors.device)
        self.codebook[dead] = from_first_rank(vectors[index] * (1 + 0.01 * torch.randn_like(vectors[index])))
        self.count.zero_()


def entropy_of_use(cosine: Tensor, mask: Tensor) -> Tensor:
    """Entropy in nats of the mean soft choice, from cosines of vectors and codes (B, F, size) and ``mask`` (B, F, 1)."""
    mean = ((cosine / TEMPERATURE).softmax(-1) * mask).sum((0, 1)) / mask.sum()
    return -(mean * (mean + 1e-9).log()).sum()
