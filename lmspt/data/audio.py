"""Reading, joining and writing speech. Waveforms are float32 (T,), one channel, in [-1, 1]."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from lmspt.data.datadir import DataDir
from lmspt.data.ffmpeg import SUFFIXES, decode
from lmspt.data.variation import VariationConfig, vary
from lmspt.errors import InputError
from lmspt.files import atomic

AUDIO = (".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".aif", ".aiff", *SUFFIXES)  # what is looked for in folders
BAR = re.compile(r"""\\.|'[^']*'|"(?:\\.|[^"\\])*"|(\|)""")  # its group: one that is not quoted
WRITTEN = (".wav", ".flac")
CACHED_SAMPLES = 200_000_000  # of one Utterances: 400 MB of 16-bit samples, 3.5 hours at 16 kHz


def read_audio(source: str | Path, channel: int | None = None) -> tuple[np.ndarray, int]:
    """One recording and its rate (Hz).

    Args:
        source: a path of anything that libsndfile or FFmpeg reads, or Kaldi's ``command |`` that writes what libsndfile does.
        channel: which one, from 1 on; 0 for their mean; ``None``: there must be one only.

    Raises:
        InputError: no such file or program, not audio, cut short, empty, NaN, no such channel or not told which.
    """
    source = str(source)
    with _opened(source, channel) as audio:
        wav, rate = audio.read(dtype="float32", always_2d=True), audio.samplerate
        if len(wav) < audio.frames:
            raise _cut_short(source)
    if not np.isfinite(wav).all():
        raise InputError(f"{source}: holds NaN or infinite samples; replace the file or remove its line")
    return (wav.mean(axis=1) if channel == 0 else np.ascontiguousarray(wav[:, (channel or 1) - 1])), rate


def read_header(path: str | Path, channel: int | None = None) -> tuple[int, int]:
    """Samples and rate (Hz) of a recording, by its header; of the rest only the last sample is read.

    Raises:
        InputError: as :func:`read_audio`, NaN apart.
    """
    with _opened(str(path), channel) as audio:
        try:
            audio.seek(audio.frames - 1)
            whole = len(audio.read(1)) == 1
        except soundfile.LibsndfileError:
            whole = False
        if not whole:
            raise _cut_short(str(path))
        return audio.frames, audio.samplerate


def is_pipe(source: str) -> bool:
    """Is it a command whose output is the recording?"""
    return source.endswith("|")


def pipe_commands(source: str) -> list[list[str]]:
    """Words of the commands of ``a x | b y |``.

    Raises:
        InputError: an open quote, or a program that is not installed.
    """
    try:
        bars = [found.start() for found in BAR.finditer(source) if found[1]]
        commands = [shlex.split(source[begin + 1 : end]) for begin, end in pairwise([-1, *bars])]
    except ValueError as error:
        raise InputError(f"'{source}': {error}; quote the command as in a shell") from None
    for command in commands:
        if not command or shutil.which(command[0]) is None:
            raise InputError(f"'{source}': program '{' '.join(command[:1])}' is not installed; install it or mend the line")
    return commands


def require_writable(path: str | Path) -> None:
    """Stop at a name whose suffix is of no format that :func:`write_wav` writes, before there is anything to write.

    Raises:
        InputError: names it.
    """
    if Path(path).suffix.lower() not in WRITTEN:
        raise InputError(f"{path}: audio is written as {' or '.join(WRITTEN)}; end its name so")


def write_wav(path: str | Path, wav: np.ndarray, sample_rate: int) -> None:
    """Write 16-bit samples, atomically; the suffix chooses the format (``.wav``, ``.flac``). What is beyond [-1, 1] is clipped.

    Raises:
        ValueError: NaN or infinite samples.
    """
    path = Path(path)
    if not np.isfinite(wav).all():
        raise ValueError(f"{path}: NaN or infinite samples to write")
    encoded = BytesIO()  # libsndfile on a full disk says "internal error"
    soundfile.write(encoded, _as_int16(wav), sample_rate, subtype="PCM_16", format=path.suffix[1:].upper())
    with atomic(path) as temporary:
        temporary.write_bytes(encoded.getbuffer())


class Utterances:
    """Waveforms by utterance id of a formatted data directory; recordings are kept in memory while there is room.

    Args:
        data: a directory that stage 2 wrote.
        sample_rate: Hz; what the caller wants to hear.

    Raises:
        InputError: a recording of another rate.
    """

    def __init__(self, data: DataDir, sample_rate: int) -> None:
        if not data.num_samples:
            raise InputError(f"{data.folder}: no utt2num_samples; run stage 2 (format) first")
        self.data, self.sample_rate = data, sample_rate
        self._kept: dict[str, np.ndarray] = {}
        self._room = CACHED_SAMPLES

    def num_samples(self, utt: str) -> int:
        """Length of an utterance in samples."""
        return self.data.num_samples[utt]

    def __getitem__(self, utt: str) -> np.ndarray:
        """An utterance as it is, (T,)."""
        return self._on_end(utt, [self._recording(name) for name in self.data.recordings_of(utt)])

    def varied(self, utt: str, variation: VariationConfig, rng: np.random.Generator) -> np.ndarray:
        """An utterance as it might be heard: each recording of it under a variation of its own, after a common offset."""
        parts = [vary(self._recording(name), self.sample_rate, variation, rng) for name in self.data.recordings_of(utt)]
        offset = np.zeros(int(rng.uniform(0.0, variation.max_offset) * self.sample_rate), np.float32)
        return np.concatenate([offset, self._on_end(utt, parts)])

    def _on_end(self, utt: str, parts: list[np.ndarray]) -> np.ndarray:
        if utt not in self.data.joins:
            return parts[0]
        pauses = [np.zeros(round(pause * self.sample_rate), np.float32) for pause in self.data.joins[utt].pauses]
        return np.concatenate([piece for pair in zip(pauses, parts, strict=True) for piece in pair])

    def _recording(self, name: str) -> np.ndarray:
        if name in self._kept:
            return self._kept[name].astype(np.float32) / 32768.0
        wav, rate = read_audio(self.data.wav_scp[name])
        if rate != self.sample_rate:
            raise InputError(
                f"{self.data.wav_scp[name]}: {rate} Hz, but {self.sample_rate} Hz is wanted; run stage 2 (format) "
                f"with --sample_rate {self.sample_rate}"
            )
        if len(wav) <= self._room:
            self._room -= len(wav)
            self._kept[name] = _as_int16(wav)
        return wav


def _as_int16(wav: np.ndarray) -> np.ndarray:
    # libsndfile would write floats to .wav rounded down, to .flac rounded
    return np.round(wav * 32768.0).clip(-32768, 32767).astype(np.int16)


@contextmanager
def _opened(source: str, channel: int | None) -> Iterator[soundfile.SoundFile]:
    """A recording that has the channel and samples in it, open to be read."""
    file = BytesIO(_output_of(source)) if is_pipe(source) else _existing(source)
    try:
        with _sound_file(file) as audio:
            if channel is None and audio.channels != 1:
                raise InputError(
                    f"{source}: {audio.channels} channels; write which one (0: their mean) to the data directory's file 'channel', "
                    "or give --channel to local/data.sh"
                )
            if channel is not None and not 0 <= channel <= audio.channels:
                raise InputError(
                    f"{source}: has no channel {channel}, there are {audio.channels}; mend the data directory's file 'channel'"
                )
            if file is source and _promises_more(Path(source)):
                raise _cut_short(source)
            if audio.frames == 0:
                raise InputError(f"{source}: holds no samples; leave it out: utils/fix_data_dir.sh, or --drop_bad of local/data.sh")
            yield audio
    except soundfile.LibsndfileError as error:
        why = error.error_string.rstrip(".")
        raise InputError(f"{source}: cannot be read as audio ({why}); replace the file or remove its line") from None


def _sound_file(file: str | BytesIO) -> soundfile.SoundFile:
    """What libsndfile reads as it is, other files through FFmpeg."""
    try:
        return soundfile.SoundFile(file)
    except soundfile.LibsndfileError:
        decoded = None if isinstance(file, BytesIO) else decode(file)
        if decoded is None:
            raise
        return soundfile.SoundFile(decoded)


def _existing(source: str) -> str:
    path = Path(source)
    if not os.path.isfile(source):  # False, too, for what cannot be a path
        raise InputError(f"{source}: no such file; mend the path in wav.scp or remove the line")
    if path.stat().st_size == 0:
        raise InputError(f"{source}: is an empty file; fetch it again or remove its line")
    if path.suffix.lower() == ".raw":
        raise InputError(
            f"{source}: raw samples do not tell their rate; write e.g. 'sox -r 16000 -e signed -b 16 {source} -t wav - |'"
        )
    return source


def _cut_short(source: str) -> InputError:
    return InputError(f"{source}: is cut short; fetch the file again or remove its line")


def _promises_more(path: Path) -> bool:
    """Does a RIFF header promise more bytes than the file has? (libsndfile is silent about it.)"""
    with open(path, "rb") as file:
        head = file.read(8)
    promised = int.from_bytes(head[4:8], "little")
    # a stream that did not know its length says 0 or all ones
    return head[:4] == b"RIFF" and 0 < promised < 0x7FFFF000 and promised + 8 > path.stat().st_size + 1


def _output_of(source: str) -> bytes:
    """What the commands of a pipe write; started without a shell."""
    data = None
    for command in pipe_commands(source):
        done = subprocess.run(
            command, input=data, stdin=subprocess.DEVNULL if data is None else None, capture_output=True, check=False
        )
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()[-200:]
            raise InputError(f"'{source}': {command[0]} failed ({said}); try the command by hand")
        data = done.stdout
    if not data:
        raise InputError(f"'{source}': wrote nothing; try the command by hand")
    return data
