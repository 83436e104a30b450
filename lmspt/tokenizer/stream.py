"""Encoding and decoding while one listens, by causal tokenizers: the codes and the speech are those of one piece.

Codes of a frame are known when its last sample is: after 80 ms at 12.5 Hz, and what the computation takes. Speech follows its
codes 30 ms behind (at 16 kHz): so far reach the windows of the inverse STFT. A stream remembers what its convolutions look
back on, and the level of the last 10 s; it grows with nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from lmspt.errors import InputError
from lmspt.tokenizer.causal import Memory
from lmspt.tokenizer.interface import Tokenizer


def encode_stream(tokenizer: Tokenizer, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """Codes (K, F) of the frames that each piece completes; a last frame that remains open is filled with silence.

    Args:
        tokenizer: a causal one.
        pieces: (T,) of one recording at ``tokenizer.sample_rate``, of any lengths, in their order.

    Raises:
        InputError: a tokenizer that looks ahead.
    """
    _require_causal(tokenizer)
    return _encode(tokenizer, pieces)


def decode_stream(tokenizer: Tokenizer, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    """Speech (T,) that the codes so far decide; after the last ones, all that is left.

    Args:
        tokenizer: a causal one.
        pieces: codes (K', F) of the first K' streams, of any lengths, in their order.

    Raises:
        InputError: a tokenizer that looks ahead.
    """
    _require_causal(tokenizer)
    return _decode(tokenizer, pieces)


def is_causal(tokenizer: Tokenizer) -> bool:
    """Can it encode and decode streams?"""
    return getattr(tokenizer, "causal", False)


def _require_causal(tokenizer: Tokenizer) -> None:
    if not is_causal(tokenizer):
        raise InputError(
            f"{tokenizer.tok_id} looks ahead and has no stream: train one with causal: true, or encode whole recordings"
        )


def _encode(tokenizer: Tokenizer, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    memory: Memory = {}
    hop_length = int(tokenizer.sample_rate / tokenizer.frame_rate)
    open_frame = torch.zeros(0)
    for piece in pieces:
        wav = torch.cat([open_frame, piece])
        whole = len(wav) - len(wav) % hop_length
        open_frame = wav[whole:]
        if whole:
            codes, _ = tokenizer.encode(wav[None, :whole], torch.tensor([whole]), memory=memory)
            yield codes[0]
    if len(open_frame):
        codes, _ = tokenizer.encode(open_frame[None], torch.tensor([len(open_frame)]), memory=memory)
        yield codes[0]


def _decode(tokenizer: Tokenizer, pieces: Iterable[Tensor]) -> Iterator[Tensor]:
    memory: Memory = {}
    istft = tokenizer.model.decoder.istft
    early = istft.edge  # samples from before the beginning, which are to be left out
    for codes in pieces:
        if codes.shape[1]:
            wav, _ = tokenizer.decode(codes[None], torch.tensor([codes.shape[1]]), memory=memory)
            yield wav[0, early:]
            early = max(0, early - wav.shape[1])
    if memory:
        yield istft.rest(memory)[0, early:].cpu()
