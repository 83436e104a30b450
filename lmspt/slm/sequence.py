"""What the language model reads and writes: an utterance as a sequence of steps, one id a stream.

    asr   <asr> semantic codes ... <text> units ... <end>
    tts   <tts> speaker units ... <speech> frames of all streams, delayed ... <end>

Where a stream has nothing to say stands <pad>. Only what a task writes is predicted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmspt.slm.pattern import delay
from lmspt.slm.vocab import ASR, END, PAD, SPEECH, TEXT, TTS, Vocabulary


@dataclass(frozen=True)
class Sequence:
    """Steps ``ids`` (T, K) of a ``task``, of which those in ``predict`` (T, K) bool are to be predicted."""

    task: int
    ids: np.ndarray
    predict: np.ndarray


def asr_prompt(vocab: Vocabulary, semantic: np.ndarray) -> np.ndarray:
    """What ASR reads of semantic codes (F,): steps (F + 2, K)."""
    return _steps(vocab, [ASR, *(vocab.streams[0].begin + semantic), TEXT])


def tts_prompt(vocab: Vocabulary, units: list[int], speaker: int) -> np.ndarray:
    """What TTS reads of text unit numbers and a speaker's id: steps (units + 3, K)."""
    return _steps(vocab, [TTS, speaker, *(vocab.text.begin + unit for unit in units), SPEECH])


def asr_sequence(vocab: Vocabulary, semantic: np.ndarray, units: list[int]) -> Sequence:
    """Semantic codes (F,) to text."""
    written = _steps(vocab, [*(vocab.text.begin + unit for unit in units), END])
    return _join(ASR, asr_prompt(vocab, semantic), written)


def tts_sequence(vocab: Vocabulary, codes: np.ndarray, units: list[int], speaker: int) -> Sequence:
    """Text and speaker to codes (K, F)."""
    offsets = np.array([block.begin for block in vocab.streams])[:, None]
    sequence = _join(TTS, tts_prompt(vocab, units, speaker), delay(codes + offsets, END, PAD))
    # the end is predicted once; the steps after it only carry the late streams
    sequence.predict[len(sequence.ids) - len(vocab.streams) + 1 :, 0] = False
    return sequence


def _steps(vocab: Vocabulary, ids: list[int]) -> np.ndarray:
    steps = np.full((len(ids), len(vocab.streams)), PAD, dtype=np.int64)
    steps[:, 0] = ids
    return steps


def _join(task: int, read: np.ndarray, written: np.ndarray) -> Sequence:
    ids = np.concatenate([read, written])
    predict = ids != PAD
    predict[: len(read)] = False
    return Sequence(task, ids, predict)
