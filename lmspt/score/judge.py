"""The judge: a Whisper that reads synthesised speech, always the same way; CTranslate2 computes it on a CPU, torch on a GPU.

It is Whisper as published: windows of 30 s (shorter ones would be cheaper, and it reads worse), the prompt of a transcription
without timestamps, beam search. Two of its remedies, which need timestamps or draw random numbers, have stand-ins here:

- audio beyond 30 s is cut at the quietest place of the last 10 s of a window;
- a loop ("8, 8, 8, 8 ..." a hundred times) would be the greater part of a set's errors. Whisper's own mark of it is text that zlib
  makes 2.4 times shorter. Such a window is read again with no three tokens twice, and counted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Protocol

import numpy as np
from tokenizers import Tokenizer
from tqdm import tqdm

from lmspt.data.weights import find_weights
from lmspt.errors import InputError
from lmspt.files import sha256_of
from lmspt.score.mel import mel_power
from lmspt.score.reading import AnyJudge, Reading
from lmspt.score.speech import RATE

N_FFT, HOP = 400, 160
WINDOW = 30 * RATE  # samples
SEARCHED = 10 * RATE  # the end of a window, where a cut is looked for
QUIET = RATE // 10  # a cut is in the middle of so many samples
LOOP = 2.4  # times that zlib shortens a reading
NO_REPEAT = 3  # tokens, of which none come twice when a window is read again


def open_judge(name: str, num_threads: int, language: str, ngpu: int = 0) -> AnyJudge:
    """The judge of this name: a folder that ``lmspt.bin.judge_train`` wrote, or a Whisper, which alone has use for a GPU.

    Raises:
        InputError: there is none.
    """
    if (Path(name) / "judge.json").is_file():
        from lmspt.score.ctc_judge import CtcJudge  # torch, which takes seconds

        return CtcJudge(Path(name), num_threads)
    return Judge(name, num_threads, language, ngpu=ngpu)


class Whisper(Protocol):
    """The network, and what computes it.

    Attributes:
        arithmetic: what of it belongs to the contract.
        batch: windows that it reads at a time.
        n_mels: bands that it hears.
        is_multilingual: or English-only.
    """

    arithmetic: ClassVar[dict[str, str]]
    batch: ClassVar[int]
    n_mels: int
    is_multilingual: bool

    def generate(self, mels: np.ndarray, prompts: list[list[int]], beam_size: int, no_repeat_ngram_size: int) -> list[list[int]]:
        """Tokens of windows (B, n_mels, 3000), each after its prompt; 0: any may repeat."""
        ...

    def detect_language(self, mels: np.ndarray) -> list[str]:
        """The likeliest language's token of each window, like ``<|en|>``."""
        ...


class Judge:
    """A Whisper recogniser.

    Args:
        name: a key of ``lmspt.data.weights.SOURCES`` or a folder with a CTranslate2 Whisper.
        num_threads: CPU threads.
        language: two letters, or ``detect``: the model guesses that of each window; an English-only model takes ``en`` alone.
        beam_size: 1 is greedy. On real speech 5 makes fewer errors for a tenth more time.
        ngpu: 1 reads on a GPU, under a contract of its own: its readings are not mixed with those of a CPU.

    Raises:
        InputError: no such weights, no GPU, or a language that the model does not know.
    """

    def __init__(self, name: str, num_threads: int, language: str = "en", beam_size: int = 5, ngpu: int = 0) -> None:
        folder = find_weights(name)
        self.name, self.language, self.beam_size = Path(name).name, language, beam_size
        self.sha256 = sha256_of(folder / "model.bin")
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.model = _open_model(folder, num_threads, ngpu)
        self.prompt = self._prompt(f"<|{'en' if language == 'detect' else language}|>")

    def contract(self) -> dict[str, Any]:
        """What its readings depend on."""
        return {
            "name": self.name,
            "sha256": self.sha256,
            **self.model.arithmetic,
            "beam_size": self.beam_size,
            "language": self.language,
            "loops": f"zlib ratio above {LOOP}: again, no {NO_REPEAT} tokens twice",
        }

    def read(self, speech: Mapping[str, np.ndarray], utts: Iterable[str]) -> dict[str, Reading]:
        """Read utterances.

        Args:
            speech: waveforms by utterance, each (T,) at 16 kHz, of any length; one without samples reads as nothing.
            utts: which ones.
        """
        parts: dict[str, list[Reading]] = {utt: [] for utt in utts}
        windows = (
            (utt, window) for utt in tqdm(parts, "judge", disable=None, mininterval=2) for window in cut_windows(speech[utt])
        )
        while batch := list(islice(windows, self.model.batch)):
            names, pieces = zip(*batch, strict=True)
            for utt, reading in zip(names, self._read_windows(pieces), strict=True):
                parts[utt].append(reading)
        return {
            utt: Reading(" ".join(part.text for part in read), any(part.looped for part in read)) for utt, read in parts.items()
        }

    def _read_windows(self, windows: Sequence[np.ndarray]) -> Iterator[Reading]:
        mels = np.stack([log_mel(window, self.model.n_mels) for window in windows])
        for i, text in enumerate(self._decode(mels)):
            looped = is_loop(text)
            yield Reading(self._decode(mels[i : i + 1], no_repeat_ngram_size=NO_REPEAT)[0] if looped else text, looped)

    def _decode(self, mels: np.ndarray, no_repeat_ngram_size: int = 0) -> list[str]:
        """Texts of windows (B, n_mels, 3000)."""
        prompts = [self.prompt] * len(mels)
        if self.language == "detect":
            prompts = [self._prompt(tag) for tag in self.model.detect_language(mels)]
        tokens = self.model.generate(mels, prompts, self.beam_size, no_repeat_ngram_size)
        return [self.tokenizer.decode(ids).strip() for ids in tokens]

    def _prompt(self, language_tag: str) -> list[int]:
        language = [language_tag, "<|transcribe|>"] if self.model.is_multilingual else []
        ids = [self.tokenizer.token_to_id(tag) for tag in ("<|startoftranscript|>", *language, "<|notimestamps|>")]
        if None in ids or not (language or self.language == "en"):
            raise InputError(f"judge {self.name} does not read '{self.language}'; it knows Whisper's two-letter codes, or en alone")
        return ids


def _open_model(folder: Path, num_threads: int, ngpu: int) -> Whisper:
    if ngpu:
        from lmspt.device import device_of  # torch, which takes seconds
        from lmspt.score.torch_whisper import TorchWhisper

        return TorchWhisper(folder, device_of(ngpu))
    from lmspt.score.ct2_whisper import Ct2Whisper

    return Ct2Whisper(folder, num_threads)


def is_loop(text: str) -> bool:
    """Does a reading repeat itself as no speaker does?"""
    written = text.encode()
    return len(written) > LOOP * len(zlib.compress(written))


def log_mel(window: np.ndarray, n_mels: int) -> np.ndarray:
    """Whisper's view of at most 30 s: (T,) at 16 kHz to (n_mels, 3000) float32."""
    padded = np.pad(window, (0, WINDOW - len(window)))
    power = mel_power(padded, N_FFT, HOP, n_mels, RATE, pad_mode="reflect")[:-1].T
    log = np.log10(np.maximum(power, 1e-10))
    return np.ascontiguousarray((np.maximum(log, log.max() - 8.0) + 4.0) / 4.0, np.float32)


def cut_windows(wav: np.ndarray) -> Iterator[np.ndarray]:
    """Pieces of at most 30 s that make up ``wav`` (T,) at 16 kHz."""
    while len(wav) > WINDOW:
        end = wav[WINDOW - SEARCHED : WINDOW].reshape(-1, QUIET)
        cut = WINDOW - SEARCHED + int(np.square(end).sum(axis=1).argmin()) * QUIET + QUIET // 2
        yield wav[:cut]
        wav = wav[cut:]
    if len(wav):
        yield wav
