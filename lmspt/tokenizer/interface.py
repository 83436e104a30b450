"""The one interface of a tokenizer, whoever trained it."""

from __future__ import annotations

from dataclasses import dataclass
from math import log2
from typing import Any, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Stream:
    """One row of codes: its name, codebook size, and whether it is the semantic one."""

    name: str
    size: int
    semantic: bool


class Tokenizer(Protocol):
    """What the dump, the speech LM and the scores know of a tokenizer.

    ``encode`` is deterministic, and an utterance's codes are the same alone, batched, padded, in any order. Tensors that
    are given to a tokenizer, and come from it, are on the CPU, wherever it computes.
    """

    sample_rate: int  # Hz
    frame_rate: float  # Hz
    streams: tuple[Stream, ...]  # stream 0 is the semantic one
    tok_id: str  # name and hash of config and weights
    can_decode: bool

    def encode(self, wav: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """``wav`` (B, T) and ``lengths`` (B,) samples -> codes (B, K, F) int64 and their lengths (B,) frames."""
        ...

    def decode(self, codes: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Codes (B, K', F), K' <= K, and lengths (B,) frames -> wav (B, T) and lengths (B,) samples."""
        ...

    def codebooks(self) -> list[Tensor] | None:
        """Vectors (size, D) of each stream's codes, whose distances are those that ``encode`` chooses by; None: it has none."""
        ...


def store_meta(tokenizer: Tokenizer) -> dict[str, Any]:
    """What a token store says of the tokenizer that filled it."""
    return {
        "tok_id": tokenizer.tok_id,
        "frame_rate": tokenizer.frame_rate,
        "sample_rate": tokenizer.sample_rate,
        "streams": [{"name": s.name, "size": s.size, "semantic": s.semantic} for s in tokenizer.streams],
    }


def bitrate(streams: tuple[Stream, ...], frame_rate: float) -> float:
    """Nominal bits per second: frame rate times the sum of log2 codebook sizes."""
    return frame_rate * sum(log2(stream.size) for stream in streams)
