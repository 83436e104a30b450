"""What the language model reads and writes: an utterance as a sequence of steps.

    asr      <asr> semantic codes ... <text> units ... <end>
    tts      <tts> speaker [<voice> another utterance's frames ...] units ... <speech> frames of all streams ... <end>
    text     <text only> units ... <end>
    speech   <speech only> speaker <speech> frames of all streams ... <end>

Frames are laid out by a pattern (:mod:`lmspt.slm.pattern`); where a stream has nothing to say stands <pad>. Only what a task
writes is predicted. With chat prompts, what ASR and TTS read stands between the units that the backbone was taught to put
around a user's turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lmspt.slm.pattern import Pattern
from lmspt.slm.vocab import ASR, END, PAD, SPEECH, SPEECH_ONLY, TEXT, TEXT_ONLY, TTS, VOICE, Vocabulary


@dataclass(frozen=True)
class Sequence:
    """Steps ``ids`` (T, W) of a ``task``, of which those in ``predict`` (T, W) bool are to be predicted; the codes that are
    only heard begin at step ``heard``."""

    task: int
    ids: np.ndarray
    predict: np.ndarray
    heard: int = 0

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True)
class Layout:
    """Utterances as sequences.

    Attributes:
        vocab: ids.
        pattern: of the frames that are spoken, and of the voice.
        voice_frames: so much of another utterance shows the voice.
    """

    vocab: Vocabulary
    pattern: Pattern
    voice_frames: int = 0

    def asr_prompt(self, semantic: np.ndarray) -> np.ndarray:
        """What ASR reads of semantic codes (F,): steps (F + 2, W), without a chat prompt's units."""
        before, after = self._turn(ASR)
        return self._steps([*before, ASR, *(self.vocab.streams[0].begin + semantic), *after, TEXT])

    def tts_prompt(self, units: list[int], speaker: int, voice: np.ndarray | None = None) -> np.ndarray:
        """What TTS reads: text unit numbers, a speaker's id, and codes (K, F) of another utterance in the same voice."""
        before, after = self._turn(TTS)
        shown = [] if voice is None else [self._steps([VOICE]), self._frames(voice[:, : self.voice_frames])[:-1]]
        return np.concatenate([self._steps([*before, TTS, speaker]), *shown, self._steps([*self._units(units), *after, SPEECH])])

    def asr(self, semantic: np.ndarray, units: list[int]) -> Sequence:
        """Semantic codes (F,) to text."""
        written = self._steps([*self._units(units), END])
        return _join(ASR, self.asr_prompt(semantic), written, heard=len(self._turn(ASR)[0]) + 1)

    def tts(self, codes: np.ndarray, units: list[int], speaker: int, voice: np.ndarray | None = None) -> Sequence:
        """Text and speaker to codes (K, F)."""
        return _join(TTS, self.tts_prompt(units, speaker, voice), self._frames(codes))

    def text(self, units: list[int]) -> Sequence:
        """Text from nothing."""
        return _join(TEXT_ONLY, self._steps([TEXT_ONLY]), self._steps([*self._units(units), END]))

    def speech(self, codes: np.ndarray, speaker: int) -> Sequence:
        """Codes (K, F) from their own beginning: the continuation of speech."""
        return _join(SPEECH_ONLY, self._steps([SPEECH_ONLY, speaker, SPEECH]), self._frames(codes))

    def _turn(self, task: int) -> tuple[list[int], list[int]]:
        """Ids before and after what a task reads: none, without chat prompts."""
        before, after = self.vocab.turns.get("asr" if task == ASR else "tts", ((), ()))
        return self._units(before), self._units(after)

    def _units(self, units: list[int]) -> list[int]:
        return [self.vocab.text.begin + unit for unit in units]

    def _frames(self, codes: np.ndarray) -> np.ndarray:
        offsets = np.array([block.begin for block in self.vocab.streams])[:, None]
        return self.pattern.spread(codes + offsets, END, PAD)

    def _steps(self, ids: list[int]) -> np.ndarray:
        steps = np.full((len(ids), self.pattern.width), PAD, dtype=np.int64)
        steps[:, 0] = ids
        return steps


def _join(task: int, read: np.ndarray, written: np.ndarray, heard: int = 0) -> Sequence:
    ids = np.concatenate([read, written])
    predict = ids != PAD
    predict[: len(read)] = False
    # the end is predicted once; the steps after it only carry the late streams
    predict[len(read) + int(np.argmax(written[:, 0] == END)) + 1 :, 0] = False
    return Sequence(task, ids, predict, heard)
