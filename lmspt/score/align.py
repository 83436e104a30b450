"""Phones of English utterances, by forced alignment with PocketSphinx (BSD) and the model that its package brings.

Rough, and free of all that is compared here: no tokenizer, teacher or judge has part in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import soxr
from tqdm import tqdm

from lmspt.data.audio import read_audio
from lmspt.data.datadir import DataDir
from lmspt.data.signal import pieces_of
from lmspt.errors import InputError

RATE = 16000  # Hz, what the model hears
FRAME = 0.01  # seconds
BEAMS = ((1e-48, 7e-29), (1e-40, 1e-20), (1e-22, 1e-22))  # of states and of words; which utterances fail under one follows no rule
MARKS = '.,;:!?"()'


@dataclass(frozen=True)
class Phone:
    """A phone of the CMU dictionary, without stress, from ``begin`` for ``duration`` (seconds)."""

    begin: float
    duration: float
    name: str


@dataclass
class Alignment:
    """Phones by utterance, and why others have none."""

    phones: dict[str, list[Phone]] = field(default_factory=dict)
    unknown: dict[str, list[str]] = field(default_factory=dict)  # words that the dictionary lacks
    failed: list[str] = field(default_factory=list)

    def ctm(self) -> str:
        """As Kaldi writes it."""
        lines = (f"{utt} 1 {p.begin:.2f} {p.duration:.2f} {p.name}\n" for utt, phones in self.phones.items() for p in phones)
        return "".join(lines)


class Aligner:
    """Forced alignment of one utterance after the other.

    Raises:
        InputError: PocketSphinx is not installed.
    """

    def __init__(self) -> None:
        try:
            from pocketsphinx import Decoder
        except ImportError:
            raise InputError("pocketsphinx is missing: pip install --no-deps pocketsphinx==5.1.1") from None
        self.decoders = [Decoder(lm=None, loglevel="FATAL", beam=b, pbeam=b, wbeam=w) for b, w in BEAMS]

    def unknown(self, words: list[str]) -> list[str]:
        """Those that the dictionary lacks."""
        return [word for word in words if self.decoders[0].lookup_word(word) is None]

    def __call__(self, wav: np.ndarray, words: list[str]) -> list[Phone] | None:
        """Phones of ``wav`` (T,) at ``RATE``, silence and noise left out; ``None`` where no beam comes to the end."""
        samples = (np.clip(wav, -1, 1) * 32767).astype(np.int16).tobytes()
        for decoder in self.decoders:
            try:
                decoder.set_align_text(" ".join(words))
                _decode(decoder, samples)  # the words
                decoder.set_alignment()
                _decode(decoder, samples)  # their phones
            except RuntimeError:
                continue
            found = [phone for word in decoder.get_alignment() for phone in word]
            return [Phone(p.start * FRAME, p.duration * FRAME, p.name) for p in found if p.name.isalpha() and p.name != "SIL"]
        return None


def align(data: DataDir, aligner: Aligner) -> Alignment:
    """Align all utterances of a data directory, formatted or not, but joined ones."""
    result = Alignment()
    with tqdm(total=len(data.utts), desc=f"{data.folder}: phones", disable=None, mininterval=2) as bar:
        for utt, wav in _utterances(data):
            words = words_of(data.text[utt])
            if missing := aligner.unknown(words):
                result.unknown[utt] = missing
            elif phones := aligner(wav, words):
                result.phones[utt] = phones
            else:
                result.failed.append(utt)
            bar.update()
    return result


def words_of(text: str) -> list[str]:
    """Words as the dictionary has them; one with a digit or a letter that is not English is no word that it knows."""
    words = (word.strip(MARKS) for word in text.lower().replace("-", " ").split())
    return [word for word in words if word]


def _utterances(data: DataDir) -> Iterator[tuple[str, np.ndarray]]:
    """Each utterance that is a recording or a part of one, and its samples at ``RATE``."""
    for recording, pieces in pieces_of(data).items():
        wav, rate = read_audio(data.wav_scp[recording], data.channel)
        for name, segment in pieces.items():
            if name in data.text:
                part = wav[round(segment.begin * rate) : round(segment.end * rate)] if segment else wav
                yield name, soxr.resample(part, rate, RATE)


def _decode(decoder: Any, samples: bytes) -> None:
    decoder.reinit_feat()  # else features depend on what was heard before
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
