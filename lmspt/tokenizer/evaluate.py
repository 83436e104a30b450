"""What a tokenizer does to a set: resynthesis, codebook health, and how stable its tokens are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rapidfuzz.distance import Levenshtein
from tqdm import tqdm

from lmspt.data.audio import Utterances, write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.tokens import TokenStore
from lmspt.data.variation import SHIFTS, shifted
from lmspt.files import remove_leftovers, write_text
from lmspt.tokenizer.batches import by_length
from lmspt.tokenizer.dump import encode_batch
from lmspt.tokenizer.health import count_codes, health
from lmspt.tokenizer.interface import Tokenizer, bitrate


def resynthesise(tokenizer: Tokenizer, tokens: TokenStore, utts: list[str], out: Path, n_streams: int) -> None:
    """Decode the first ``n_streams`` streams of ``utts`` into ``out/wav/<utt>.wav`` and list them in ``out/wav.scp``."""
    remove_leftovers(out, out / "wav")
    num_frames = {utt: tokens[utt].shape[1] for utt in utts}
    for batch in tqdm(by_length(num_frames, int(40 * tokenizer.frame_rate)), f"{out}: decode", disable=None, mininterval=2):
        codes = np.zeros((len(batch), n_streams, max(num_frames[utt] for utt in batch)), np.int64)
        for row, utt in zip(codes, batch, strict=True):
            row[:, : num_frames[utt]] = tokens[utt][:n_streams]
        wavs, lengths = tokenizer.decode(torch.from_numpy(codes), torch.tensor([num_frames[utt] for utt in batch]))
        for utt, wav, length in zip(batch, wavs.numpy(), lengths.tolist(), strict=True):
            write_wav(out / "wav" / f"{utt}.wav", wav[:length], tokenizer.sample_rate)
    write_text(out / "wav.scp", "".join(f"{utt} {out / 'wav' / utt}.wav\n" for utt in sorted(utts)))


def stability(tokenizer: Tokenizer, data: DataDir, tokens: TokenStore, utts: list[str]) -> dict[str, Any]:
    """Edits between the semantic tokens of an utterance and of the same utterance shifted.

    Returns:
        ``tokens`` of each of ``utts``, and its ``edits`` by name of the shift.
    """
    audio = Utterances(data, tokenizer.sample_rate)
    batches = by_length({utt: data.num_samples[utt] for utt in utts}, 40 * tokenizer.sample_rate)
    edits: dict[str, dict[str, int]] = {name: {} for name in SHIFTS}
    for name, shift in SHIFTS.items():
        for batch in batches:
            heard = encode_batch(tokenizer, [shifted(audio[utt], tokenizer.sample_rate, utt, shift) for utt in batch])
            for utt, codes in zip(batch, heard, strict=True):
                edits[name][utt] = Levenshtein.distance(tokens[utt][0].tolist(), codes[0].tolist())
    return {
        "tokens": [tokens[utt].shape[1] for utt in utts],
        "edits": {name: [found[utt] for utt in utts] for name, found in edits.items()},
    }


def token_report(tokenizer: Tokenizer, data: DataDir, tokens: TokenStore, utts: list[str]) -> dict[str, Any]:
    """Bit rate, health of each stream over the whole store, and stability over ``utts``."""
    counts = count_codes((tokens[key] for key in tokens), tokenizer.streams)
    streams = {
        stream.name: {"size": stream.size, "semantic": stream.semantic, **asdict(health(count))}
        for stream, count in zip(tokenizer.streams, counts, strict=True)
    }
    for row in streams.values():
        row["entropy_bps"] = row["entropy"] * tokenizer.frame_rate
    return {
        "tok_id": tokenizer.tok_id,
        "frame_rate": tokenizer.frame_rate,
        "bitrate": bitrate(tokenizer.streams, tokenizer.frame_rate),
        "streams": streams,
        "stability": stability(tokenizer, data, tokens, utts),
        "n_utts": len(tokens),
    }
