"""The one interface of a frozen speech encoder, whoever trained it."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor


class Teacher(Protocol):
    """What objectives and toplines know of a teacher: frozen, differentiable in the waveform, and the same features for an
    utterance alone, batched or padded. Frame ``t`` tells of the samples around ``t / frame_rate`` seconds."""

    name: str  # what the contract of a result calls it
    sample_rate: int  # Hz
    frame_rate: float  # Hz
    dim: int  # channels of a frame
    n_layers: int
    max_seconds: float  # of an utterance; inf

    def to(self, device: str | torch.device) -> Teacher:
        """Move it there; returns itself."""
        ...

    def __call__(self, wav: Tensor, lengths: Tensor, layers: list[int]) -> tuple[list[Tensor], Tensor]:
        """Features after the given layers.

        Args:
            wav: (B, T), zero beyond ``lengths``; T at least one frame.
            lengths: (B,) samples.
            layers: layer numbers from 1, ascending.

        Returns:
            Features, each (B, F, dim) with F the whole frames in T, and the mask of real frames, (B, F) bool.
        """
        ...
