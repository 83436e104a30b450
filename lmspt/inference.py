"""Models for use: recordings in, codes or text out, and back. ``from lmspt import SpeechLM, Tokenizer`` brings them."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soxr
import torch

from lmspt.data.audio import read_audio
from lmspt.errors import InputError
from lmspt.slm import model as slm
from lmspt.slm.checkpoint import load_slm
from lmspt.slm.config import SamplingConfig
from lmspt.slm.decode import recognise
from lmspt.slm.generate import Frames, speak
from lmspt.slm.live import speak_live
from lmspt.slm.text import TextUnits, load_units
from lmspt.tokenizer import interface
from lmspt.tokenizer.checkpoint import load_tokenizer
from lmspt.tokenizer.long import decode_long, encode_long
from lmspt.tokenizer.stream import decode_stream, encode_stream


class Tokenizer:
    """A tokenizer for recordings of any rate and length.

    Attributes:
        tok_id: name and hash of config and weights.
        sample_rate: Hz, of wavs given and spoken.
        frame_rate: Hz.
        streams: rows of the codes.
    """

    def __init__(self, trained: interface.Tokenizer) -> None:
        self.trained = trained
        self.tok_id, self.streams = trained.tok_id, trained.streams
        self.sample_rate, self.frame_rate = trained.sample_rate, trained.frame_rate

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str | torch.device = "cpu") -> Tokenizer:
        """The tokenizer of an unpacked archive of stage 14, or what :func:`lmspt.tokenizer.checkpoint.load_tokenizer` loads;
        it computes on ``device``.

        Raises:
            InputError: nothing of the kind there.
        """
        torch.backends.cudnn.allow_tf32 = False  # on a GPU: the CPU's codes but for rounding
        inside = Path(folder) / "tokenizer"
        return cls(load_tokenizer(inside if inside.is_dir() else folder, device))

    def encode(self, audio: str | Path | np.ndarray) -> np.ndarray:
        """Codes (K, F) int32 of a file, or of a wav (T,) at ``sample_rate``: floats from -1 to 1, or integers of a file.

        Raises:
            InputError: a file that cannot be read, several channels, or no samples.
        """
        wav = _samples(audio if isinstance(audio, np.ndarray) else read_at(audio, self.sample_rate))
        if not len(wav):
            raise InputError("no samples: there is nothing to encode")
        return encode_long(self.trained, wav).numpy().astype(np.int32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        """Speech (T,) float32 of the codes (K', F) of the first K' streams.

        Raises:
            InputError: codes of another tokenizer, or of one that has no decoder.
        """
        return decode_long(self.trained, self._checked(codes)).numpy()

    def encode_stream(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Codes (K, F) int32 of a recording while it is made: of each frame as soon as its last sample is there.

        Args:
            pieces: (T,) at ``sample_rate``, of any lengths.

        Raises:
            InputError: a tokenizer that looks ahead.
        """
        found = encode_stream(self.trained, map(_samples, pieces))
        return (codes.numpy().astype(np.int32) for codes in found)

    def decode_stream(self, pieces: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Speech (T,) float32 while its codes (K', F) are written: see :func:`lmspt.tokenizer.stream.decode_stream`.

        Raises:
            InputError: a tokenizer that looks ahead, or codes of another one.
        """
        return (wav.numpy() for wav in decode_stream(self.trained, map(self._checked, pieces)))

    def _checked(self, codes: np.ndarray) -> torch.Tensor:
        """Codes (K', F) int64 for the tokenizer, if they can be its own."""
        sizes = [stream.size for stream in self.streams]
        if codes.ndim != 2 or not 1 <= len(codes) <= len(sizes) or not codes.shape[1]:
            raise InputError(f"codes of shape {codes.shape}: {self.tok_id} has (1 to {len(sizes)} streams, frames)")
        for number, (row, size) in enumerate(zip(codes, sizes, strict=False)):
            if row.min() < 0 or row.max() >= size:
                raise InputError(f"codes from {row.min()} to {row.max()} in stream {number}: {self.tok_id} has {size} there")
        return torch.from_numpy(codes.astype(np.int64))


def _samples(wav: np.ndarray) -> torch.Tensor:
    """(T,) float32 of floats of any size, or of signed integers by their full scale.

    Raises:
        InputError: another shape, or another kind of numbers.
    """
    if wav.ndim != 1 or wav.dtype.kind not in "fi":
        raise InputError(f"audio of shape {wav.shape} and type {wav.dtype}: give one channel (T,), as floats or signed integers")
    scale = -float(np.iinfo(wav.dtype).min) if wav.dtype.kind == "i" else 1.0
    return torch.from_numpy(np.divide(wav, scale, dtype=np.float64).astype(np.float32))


class SpeechLM:
    """A speech language model with its tokenizer and text units.

    Attributes:
        tokenizer: of its codes.
        sample_rate: Hz, of the speech it gives.
        speakers: the voices it was trained on.
    """

    def __init__(self, model: slm.SpeechLM, units: TextUnits, tokenizer: Tokenizer) -> None:
        self.model, self.units, self.tokenizer = model, units, tokenizer
        self.sample_rate, self.speakers = tokenizer.sample_rate, model.vocab.speaker_names

    @classmethod
    def from_pretrained(cls, folder: str | Path, device: str | torch.device = "cpu") -> SpeechLM:
        """The model of an unpacked archive of stage 14 (``exp/pack/<name>.tar.gz``); it computes on ``device``.

        Raises:
            InputError: nothing of the kind there, or a tokenizer that it was not trained on.
        """
        folder = Path(folder)
        if not (folder / "slm").is_dir():
            raise InputError(f"{folder}: no slm/ in it; unpack an archive of stage 14 (tar -xzf exp/pack/<name>.tar.gz)")
        model, tokenizer = load_slm(folder / "slm").to(device), Tokenizer.from_pretrained(folder / "tokenizer", device)
        if tokenizer.tok_id != model.vocab.tok_id:
            raise InputError(f"{folder}: slm/ speaks in codes of {model.vocab.tok_id}, but tokenizer/ is {tokenizer.tok_id}")
        return cls(model, load_units(folder / "slm"), tokenizer)

    def transcribe(self, audio: str | Path | np.ndarray) -> str:
        """What is said in a file, or in a wav (T,) at ``sample_rate``.

        Raises:
            InputError: a file that cannot be read.
        """
        name = "the wav" if isinstance(audio, np.ndarray) else str(audio)
        return self.read({name: self.tokenizer.encode(audio)})[name]

    def read(self, codes: dict[str, np.ndarray]) -> dict[str, str]:
        """What is said in the codes (K, F) of recordings, by their names; many at a time are faster than one by one."""
        texts = {}
        for name, (units, ended) in recognise(self.model, {name: rows[0] for name, rows in codes.items()}).items():
            if not ended:
                logging.warning("%s: the text does not end; is there more speech in it than the model was trained to hear?", name)
            texts[name] = self.units.decode(units)
        return texts

    def speak(
        self,
        text: str,
        speaker: str | None = None,
        seed: int = 0,
        voice: str | Path | None = None,
        sampling: SamplingConfig | None = None,
    ) -> np.ndarray:
        """Speech (T,) float32 at ``sample_rate``.

        Args:
            text: what to say, in the language and spelling of the training.
            speaker: one of ``speakers``; None leaves the voice to the model.
            seed: another one, another rendition.
            voice: a recording of the voice to speak in, for a model that was trained with ``voice_seconds``.
            sampling: how codes are drawn.

        Raises:
            InputError: nothing to say, an unknown speaker, or a voice missing or not wanted.
        """
        ((codes, ended),) = speak(self.model, *self._request(text, speaker, seed, voice, sampling))
        if not ended:
            logging.warning("'%s': the speech was cut off, no end was drawn; try another seed", text)
        return self.tokenizer.decode(codes)

    def speak_live(self, text: str, **how: Any) -> Iterator[np.ndarray]:
        """The speech of :meth:`speak`, which has the same arguments, in pieces (T,) while the rest of it is being written.

        Raises:
            InputError: as there.
        """
        frames = Frames(self.model, *self._request(text, **how))
        return speak_live(frames, self.tokenizer.trained)

    def _request(
        self,
        text: str,
        speaker: str | None = None,
        seed: int = 0,
        voice: str | Path | None = None,
        sampling: SamplingConfig | None = None,
    ) -> tuple[Any, ...]:
        """What :func:`lmspt.slm.generate.speak` is to be given, after the model."""
        units = self.units.encode(text)
        if not units:
            raise InputError("the text is empty: there is nothing to say")
        if speaker is not None and speaker not in self.speakers:
            raise InputError(f"speaker '{speaker}': the model knows {', '.join(self.speakers)}")
        if (voice is not None) != bool(self.model.layout.voice_frames):
            wants = (
                "is shown a voice: give a recording of it" if voice is None else "was not trained to take a voice from a recording"
            )
            raise InputError(f"this model {wants} (voice)")
        voices = None if voice is None else [self.tokenizer.encode(voice)]
        return [units], [self.model.vocab.speaker(speaker or "")], [seed], sampling or SamplingConfig(), voices


def read_at(path: str | Path, sample_rate: int) -> np.ndarray:
    """A recording (T,) at ``sample_rate`` (Hz), resampled as stage 2 does; of several channels their mean.

    Raises:
        InputError: see :func:`lmspt.data.audio.read_audio`.
    """
    wav, rate = read_audio(path, channel=0)
    return wav if rate == sample_rate else soxr.resample(wav, rate, sample_rate, quality="HQ")
