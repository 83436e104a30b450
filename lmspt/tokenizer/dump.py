"""Speech into a token store: batched by length, resumable, each utterance (or heard variant of it) exactly once."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from math import inf
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from lmspt.data.audio import Utterances
from lmspt.data.datadir import DataDir
from lmspt.data.tokens import TokenWriter, share_of
from lmspt.data.variation import VariationConfig
from lmspt.tokenizer.batches import by_length, pad
from lmspt.tokenizer.interface import Tokenizer, store_meta
from lmspt.tokenizer.long import encode_long


def encode_batch(tokenizer: Tokenizer, wavs: list[np.ndarray]) -> list[np.ndarray]:
    """Codes (K, F) of each wav (T,), encoded together; one by one, in windows, if one is longer than the tokenizer can hear."""
    longest = getattr(tokenizer, "max_seconds", inf) * tokenizer.sample_rate
    if any(len(wav) > longest for wav in wavs):
        return [encode_long(tokenizer, torch.from_numpy(wav)).numpy() for wav in wavs]
    codes, lengths = tokenizer.encode(**pad(wavs))
    return [c[:, :n].numpy() for c, n in zip(codes, lengths.tolist(), strict=True)]


def dump(
    tokenizer: Tokenizer,
    data: DataDir,
    out: Path,
    variants: int = 0,
    variation: VariationConfig | None = None,
    batch_seconds: float = 40.0,
    share: tuple[int, int] = (1, 1),
) -> int:
    """Encode every utterance of ``data`` that ``out`` does not hold yet.

    Args:
        tokenizer: encodes.
        data: a formatted data directory.
        out: the token store.
        variants: 0 dumps each utterance as it is, under its own id; n > 0 dumps n heard variants, ``utt#0`` to ``utt#<n-1>``.
        variation: what a variant may be.
        batch_seconds: padded audio a batch.
        share: which of how many shares of the utterances; those of many go to ``out/<n>_of_<shares>``, to be joined later.

    Returns:
        The number of rows the store now holds.
    """
    number, shares = share
    if shares > 1:
        out = share_of(out, number, shares)
    audio = Utterances(data, tokenizer.sample_rate)
    with TokenWriter(out, store_meta(tokenizer)) as writer:
        utts = data.utts[number - 1 :: shares]
        jobs = {key: data.num_samples[utt] for utt in utts for key in _keys(utt, variants) if key not in writer.done}
        batches = by_length(jobs, int(batch_seconds * tokenizer.sample_rate))
        for keys in tqdm(batches, f"{out.name}: tokens", disable=None, mininterval=2):
            wavs = [_hear(audio, key, variation if variants else None) for key in keys]
            for key, codes in zip(keys, encode_batch(tokenizer, wavs), strict=True):
                writer.add(key, codes)
        return len(writer.done)


def _keys(utt: str, variants: int) -> Iterator[str]:
    if variants == 0:
        yield utt
    for number in range(variants):
        yield f"{utt}#{number}"


def _hear(audio: Utterances, key: str, variation: VariationConfig | None) -> np.ndarray:
    """The utterance of a key; a variant's random draw depends on its key alone, so that a resumed dump is the same dump."""
    if variation is None:
        return audio[key]
    return audio.varied(key.rsplit("#", 1)[0], variation, np.random.default_rng(zlib.crc32(key.encode())))
