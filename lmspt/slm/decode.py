"""A set through the language model: which tokens are heard, in which batches, and what came of it."""

from __future__ import annotations

import zlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from lmspt.data.audio import write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.scp import write_scp
from lmspt.data.tokens import TokenStore
from lmspt.errors import InputError
from lmspt.files import remove_leftovers
from lmspt.slm.config import SamplingConfig
from lmspt.slm.generate import speak, transcribe
from lmspt.slm.model import SpeechLM
from lmspt.slm.text import TextUnits

BATCH = 32
REPEATED_SECONDS = 1.0  # a pattern of up to four codes that goes on for longer has got stuck


def hear(tokens: TokenStore, control: str | None) -> dict[str, np.ndarray]:
    """Semantic codes (F,) that each utterance is recognised from: its own, or what a control puts in their place.

    Args:
        tokens: of a test set.
        control: ``None``; ``other``: those of the next utterance in the set; ``shuffled``: its own in random order.
    """
    utts = sorted(tokens)
    if control == "other":
        return {utt: tokens[other][0] for utt, other in zip(utts, [*utts[1:], utts[0]], strict=True)}
    if control == "shuffled":
        return {utt: np.random.default_rng(zlib.crc32(utt.encode())).permutation(tokens[utt][0]) for utt in utts}
    return {utt: tokens[utt][0] for utt in utts}


def recognise(model: SpeechLM, heard: dict[str, np.ndarray]) -> dict[str, tuple[list[int], bool]]:
    """Text unit numbers of each utterance, and whether their end was written."""
    results = {}
    for utts in _batches({utt: len(codes) for utt, codes in heard.items()}, "recognise"):
        results.update(zip(utts, transcribe(model, [heard[utt] for utt in utts]), strict=True))
    return results


def synthesise(
    model: SpeechLM, units: TextUnits, data: DataDir, utts: list[str], config: SamplingConfig, tokens: TokenStore | None = None
) -> dict[str, tuple[np.ndarray, bool]]:
    """Codes (K, F) for the texts of ``utts`` in the voices of their speakers, and whether their end was written.

    Args:
        model, units: trained together.
        data: texts and speakers.
        utts: which of them.
        config: how codes are drawn.
        tokens: of the set, from which a model with ``voice_seconds`` hears another utterance of each speaker.

    Raises:
        InputError: such a model, and no tokens or a speaker with one utterance only.
    """
    texts = {utt: units.encode(data.text[utt]) for utt in utts}
    voices = other_utterances(data, utts, tokens) if model.layout.voice_frames else None
    results = {}
    for batch in _batches({utt: len(text) for utt, text in texts.items()}, "speak"):
        speakers = [model.vocab.speaker(data.utt2spk[utt]) for utt in batch]
        numbers = [zlib.crc32(utt.encode()) for utt in batch]
        shown = [voices[utt] for utt in batch] if voices else None
        results.update(zip(batch, speak(model, [texts[utt] for utt in batch], speakers, numbers, config, shown), strict=True))
    return results


def other_utterances(data: DataDir, utts: list[str], tokens: TokenStore | None) -> dict[str, np.ndarray]:
    """Codes (K, F) of the next utterance of each one's speaker."""
    if tokens is None:
        raise InputError("this model hears a voice before it speaks: give the token store of the set, --tokens")
    of_speaker: dict[str, list[str]] = defaultdict(list)
    for utt in sorted(tokens):
        of_speaker[data.utt2spk[utt]].append(utt)
    voices = {}
    for utt in utts:
        siblings = of_speaker[data.utt2spk[utt]]
        if len(siblings) < 2:
            raise InputError(f"{data.folder}: speaker '{data.utt2spk[utt]}' has no second utterance to show the voice of '{utt}'")
        voices[utt] = tokens[siblings[(siblings.index(utt) + 1) % len(siblings)]]
    return voices


def write_speech(tokenizer: Any, spoken: dict[str, tuple[np.ndarray, bool]], out: Path) -> list[dict[str, Any]]:
    """Decode codes to ``out/wav/<utt>.wav``, list them in ``out/wav.scp``, and return a line of statistics for each.

    Args:
        tokenizer: a :class:`lmspt.tokenizer.interface.Tokenizer` that can decode.
        spoken: codes (K, F) and whether they ended, by utterance.
        out: folder.
    """
    remove_leftovers(out, out / "wav")
    lines = []
    for utt in sorted(spoken):
        codes, ended = spoken[utt]
        wavs, lengths = tokenizer.decode(torch.from_numpy(codes)[None], torch.tensor([codes.shape[1]]))
        write_wav(out / "wav" / f"{utt}.wav", wavs[0, : lengths[0]].numpy(), tokenizer.sample_rate)
        lines.append(
            {
                "utt": utt,
                "frames": codes.shape[1],
                "ended": ended,
                "repeated": is_stuck(codes[0], REPEATED_SECONDS * tokenizer.frame_rate),
                "seconds": round(int(lengths[0]) / tokenizer.sample_rate, 3),
            }
        )
    write_scp(out / "wav.scp", {utt: out / "wav" / f"{utt}.wav" for utt in spoken})
    return lines


def is_stuck(codes: np.ndarray, limit: float) -> bool:
    """Does a pattern of one to four codes repeat itself for more than ``limit`` frames? ``codes`` (F,)."""
    for period in range(1, 5):
        run = 0
        for same in codes[period:] == codes[:-period]:
            run = run + 1 if same else 0
            if run + period > max(limit, 2 * period):
                return True
    return False


def _batches(lengths: dict[str, int], what: str) -> tqdm:
    order = sorted(lengths, key=lambda utt: (lengths[utt], utt))
    return tqdm([order[i : i + BATCH] for i in range(0, len(order), BATCH)], what, disable=None, mininterval=2)
