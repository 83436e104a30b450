"""Recordings of any length, in windows that overlap: bounded memory, and the codes of one piece away from the seams."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional as F

from lmspt.tokenizer.interface import Tokenizer
from lmspt.tokenizer.stream import encode_stream, is_causal

WINDOW_SECONDS, CONTEXT_SECONDS = 22.0, 4.0  # together the 30 s that a Whisper can hear: what is shorter is one piece


def encode_long(tokenizer: Tokenizer, wav: Tensor, window: float = WINDOW_SECONDS, context: float = CONTEXT_SECONDS) -> Tensor:
    """Codes (K, F) of a recording (T,).

    Every window is heard with its surroundings, whose codes are dropped, and at the level of the whole recording. A tokenizer
    whose codes depend on nothing farther off than ``context`` (the convolutional ones here) has the same codes as in one
    piece; one with a longer memory, such as a Whisper's clusters or an LSTM, has other ones after a seam. A causal one remembers
    instead, and has no seams.

    Args:
        tokenizer: encodes.
        wav: (T,) at ``tokenizer.sample_rate``.
        window: seconds of codes taken at a time.
        context: seconds heard before and after them.
    """
    if is_causal(tokenizer):
        return torch.cat(list(encode_stream(tokenizer, wav.split(int(window * tokenizer.sample_rate)))), dim=1)
    wav = F.pad(wav, (0, max(0, int(tokenizer.sample_rate / tokenizer.frame_rate) - len(wav))))  # a frame at least
    n_frames = int(-(-len(wav) * tokenizer.frame_rate // tokenizer.sample_rate))
    level = {}
    if hasattr(tokenizer, "level"):
        level = {"level": tokenizer.level(wav[None], torch.tensor([len(wav)]))}
    codes = []
    for begin, end, first, last in _windows(n_frames, tokenizer.frame_rate, window, context):
        part = wav[_samples(tokenizer, first) : _samples(tokenizer, last)]
        found, _ = tokenizer.encode(part[None], torch.tensor([len(part)]), **level)
        codes.append(found[0, :, begin - first : end - first])
    return torch.cat(codes, dim=1)


def decode_long(tokenizer: Tokenizer, codes: Tensor, window: float = WINDOW_SECONDS, context: float = CONTEXT_SECONDS) -> Tensor:
    """Speech (T,) of codes (K', F): as :func:`encode_long`, the other way."""
    wavs = []
    for begin, end, first, last in _windows(codes.shape[1], tokenizer.frame_rate, window, context):
        spoken, _ = tokenizer.decode(codes[None, :, first:last], torch.tensor([last - first]))
        skipped = _samples(tokenizer, begin) - _samples(tokenizer, first)
        wavs.append(spoken[0, skipped : skipped + _samples(tokenizer, end) - _samples(tokenizer, begin)])
    return torch.cat(wavs)


def _windows(n_frames: int, frame_rate: float, window: float, context: float) -> Iterator[tuple[int, int, int, int]]:
    """Frames taken (``begin`` to ``end``) and heard (``first`` to ``last``) of each window; what fits into one is one."""
    taken, around = max(1, int(window * frame_rate)), int(context * frame_rate)
    if n_frames <= taken + 2 * around:
        taken = n_frames
    for begin in range(0, n_frames, taken):
        end = min(begin + taken, n_frames)
        yield begin, end, max(0, begin - around), min(end + around, n_frames)


def _samples(tokenizer: Tokenizer, frames: int) -> int:
    return int(frames * tokenizer.sample_rate / tokenizer.frame_rate)
