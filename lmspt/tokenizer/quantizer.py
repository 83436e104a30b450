"""Codebooks that live: vector quantization with EMA codes, revival of dead ones, and a residual stack of codebooks.

Codes follow the mean of the vectors that choose them (van den Oord et al. 2017, appendix A.1). Two well-known ways to
lose a codebook are closed: codes begin on data, and a code that few vectors choose is put on a vector of the present
batch with its statistics reset, so that stale sums cannot pull it back. Every rank of a training holds the same codes.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lmspt.tokenizer.config import ModelConfig
from lmspt.tokenizer.fsq import FiniteScalarQuantizer
from lmspt.tokenizer.gradient_quantizer import DEAD_SHARE, GradientQuantizer, entropy_of_use
from lmspt.train.ranks import from_first_rank, sum_over_ranks

DECAY = 0.97  # of the running means, a step
REVIVE_EVERY = 10  # steps


class VectorQuantizer(nn.Module):
    """One codebook in a small space, nearest neighbour on the unit sphere, straight-through gradient.

    Args:
        dim: channels of the latents.
        size: codes.
        code_dim: channels of the codes (factorised codes, Yu et al. 2022).
    """

    def __init__(self, dim: int, size: int, code_dim: int) -> None:
        super().__init__()
        self.size = size
        self.project_in = nn.Linear(dim, code_dim)
        self.project_out = nn.Linear(code_dim, dim)
        self.register_buffer("codebook", F.normalize(torch.randn(size, code_dim), dim=1))
        self.register_buffer("count", torch.zeros(size))
        self.register_buffer("total", torch.zeros(size, code_dim))
        self.register_buffer("step", torch.zeros((), dtype=torch.long))

    def encode(self, latents: Tensor) -> Tensor:
        """``latents`` (B, F, dim) -> codes (B, F) int64."""
        return (F.normalize(self.project_in(latents), dim=-1) @ self.codebook.T).argmax(dim=-1)

    def lookup(self, codes: Tensor) -> Tensor:
        """Codes (B, F) -> latents (B, F, dim)."""
        return self.project_out(self.codebook[codes])

    def forward(self, latents: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantize; in training, also move the codebook.

        Args:
            latents: (B, F, dim).
            mask: (B, F, 1), real frames; others count nowhere.

        Returns:
            Quantized latents (B, F, dim), codes (B, F), and the commitment loss of each frame (B, F, 1): the squared distance
            of its vector to its code in code space.
        """
        vectors = F.normalize(self.project_in(latents), dim=-1)
        if self.training:  # before codes are chosen: a code is not the nearest in a codebook that has moved since
            self._follow(vectors.detach()[mask[..., 0] > 0])
        codes = (vectors @ self.codebook.T).argmax(dim=-1)
        chosen = self.codebook[codes]
        distance = (vectors - chosen).square().sum(-1, keepdim=True)
        return self.project_out(vectors + (chosen - vectors).detach()), codes, distance

    def diversity(self, latents: Tensor, mask: Tensor) -> Tensor:
        """Entropy in nats of the batch's mean soft assignment: high when the batch spreads over the codebook.

        Args:
            latents: (B, F, dim).
            mask: (B, F, 1).
        """
        return entropy_of_use(F.normalize(self.project_in(latents), dim=-1) @ self.codebook.T, mask)

    @torch.no_grad()
    def _follow(self, vectors: Tensor) -> None:
        """Move the codes to the running mean of their vectors (N, code_dim); revive dead ones now and then."""
        if self.step == 0:  # begin on data
            self.codebook.copy_(from_first_rank(F.normalize(self._draw(vectors, self.size), dim=1)))
            self.count.fill_(sum_over_ranks(vectors.new_tensor(len(vectors))) / self.size)
            self.total.copy_(self.codebook * self.count[:, None])
        chosen = F.one_hot((vectors @ self.codebook.T).argmax(dim=-1), self.size).to(vectors.dtype)
        self.count.lerp_(sum_over_ranks(chosen.sum(0)), 1 - DECAY)
        self.total.lerp_(sum_over_ranks(chosen.T @ vectors), 1 - DECAY)
        self.codebook.copy_(F.normalize(self.total, dim=1))
        self.step += 1
        if self.step % REVIVE_EVERY == 0:
            mean = self.count.mean()
            dead = self.count < DEAD_SHARE * mean
            if dead.any():
                self.codebook[dead] = from_first_rank(F.normalize(self._draw(vectors, int(dead.sum())), dim=1))
                self.count[dead] = mean
                self.total[dead] = self.codebook[dead] * mean

    @staticmethod
    def _draw(vectors: Tensor, n: int) -> Tensor:
        """``n`` vectors of the batch, a little apart from each other where it has fewer."""
        index = torch.randperm(len(vectors), device=vectors.device).repeat(-(-n // len(vectors)))[:n]
        return vectors[index] + 0.01 * torch.randn_like(vectors[index])


class ResidualQuantizer(nn.Module):
    """Codebooks in a row, each on what the ones before it left (Zeghidour et al. 2021).

    Args:
        dim: channels of the latents.
        n_codebooks: codebooks.
        size: codes of each.
        code_dim: channels of the codes.
        kind: ``ema``: the mean of the commitment losses, each codebook's own; ``gradient``: their sum over the codebooks that an
            utterance keeps, and a codebook's loss reaches the projections of those before it, as in DAC.
    """

    def __init__(self, dim: int, n_codebooks: int, size: int, code_dim: int, kind: str = "ema") -> None:
        super().__init__()
        self.kind = kind
        self.stages = nn.ModuleList(QUANTIZERS[kind](dim, size, code_dim) for _ in range(n_codebooks))

    def encode(self, latents: Tensor) -> Tensor:
        """``latents`` (B, F, dim) -> codes (B, n_codebooks, F)."""
        codes = []
        for stage in self.stages:
            codes.append(stage.encode(latents))
            latents = latents - stage.lookup(codes[-1])
        return torch.stack(codes, dim=1)

    def lookup(self, codes: Tensor) -> Tensor:
        """Codes (B, n, F) of the first n codebooks -> latents (B, F, dim)."""
        return sum(stage.lookup(row) for stage, row in zip(self.stages, codes.unbind(1), strict=False))

    def forward(self, latents: Tensor, mask: Tensor, keep: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Quantize with the first ``keep`` (B,) codebooks of each utterance (quantizer dropout).

        Returns:
            The sum (B, F, dim), codes (B, n_codebooks, F), and the commitment loss of all codebooks.
        """
        total, codes, losses = torch.zeros_like(latents), [], []
        for number, stage in enumerate(self.stages):
            kept = (keep > number).to(latents.dtype)[:, None, None]
            quantized, row, loss = stage(latents, mask)
            total = total + quantized * kept
            latents = latents - (quantized.detach() if self.kind == "ema" else quantized)
            codes.append(row)
            losses.append(mean_of_frames(loss if self.kind == "ema" else loss * kept, mask))
        return total, torch.stack(codes, dim=1), torch.stack(losses).mean() if self.kind == "ema" else torch.stack(losses).sum()


QUANTIZERS = {"ema": VectorQuantizer, "gradient": GradientQuantizer}


def mean_of_frames(loss: Tensor, mask: Tensor) -> Tensor:
    """Of a loss (B, F, 1) over the frames that ``mask`` (B, F, 1) calls real."""
    return (loss * mask).sum() / mask.sum().clamp_min(1)


def build_semantic_quantizer(config: ModelConfig) -> nn.Module:
    """The configured kind of quantizer of the semantic stream."""
    if config.fsq_levels:
        return FiniteScalarQuantizer(config.dim, config.fsq_levels)
    return QUANTIZERS[config.quantizer](config.dim, config.semantic_size, config.code_dim)
