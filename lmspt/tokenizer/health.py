"""Codebook health: how much of each codebook lives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from lmspt.tokenizer.interface import Stream


@dataclass
class Health:
    """Of one stream: share of codes in use, perplexity of their use, codes never used, entropy in bits a frame; of how many
    frames."""

    use: float
    perplexity: float
    dead: int
    entropy: float
    n_frames: int


def count_codes(codes: Iterable[np.ndarray], streams: Sequence[Stream]) -> list[np.ndarray]:
    """How often each code occurs; ``codes`` are (K, F) arrays. One (size,) array a stream."""
    counts = [np.zeros(stream.size, np.int64) for stream in streams]
    for utterance in codes:
        for count, row in zip(counts, utterance, strict=True):
            count += np.bincount(row, minlength=len(count))
    return counts


def health(counts: np.ndarray) -> Health:
    """Health of a stream from its code counts (size,)."""
    share = counts / max(counts.sum(), 1)
    used = share[share > 0]
    entropy = float(-(used * np.log2(used)).sum())
    return Health(len(used) / len(counts), 2.0**entropy, len(counts) - len(used), entropy, int(counts.sum()))
