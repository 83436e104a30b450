"""The audio that is scored: utterances of a folder, each as it is on disk, at the one rate that all judges hear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import soundfile
import soxr

from lmspt.data.audio import Utterances, read_audio, read_header
from lmspt.data.datadir import DataDir
from lmspt.data.scp import read_scp
from lmspt.errors import InputError

RATE = 16000  # Hz


class Speech(Mapping[str, np.ndarray]):
    """Waveforms by utterance id, (T,) at 16 kHz.

    Args:
        folder: one with a ``wav.scp`` of utterances, or a formatted data directory, whose utterances may be joined from
            the recordings in its ``wav.scp``.

    Raises:
        InputError: no such folder or table, or audio that cannot be read.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        if (self.folder / "utt2num_samples").exists():
            data = DataDir(self.folder)
            _, rate = read_header(next(iter(data.wav_scp.values())))
            utterances = Utterances(data, rate)
            self._utts = dict.fromkeys(data.utts)
            self._hear: Callable[[str], tuple[np.ndarray, int]] = lambda utt: (utterances[utt], rate)
        else:
            paths = read_scp(self.folder / "wav.scp")
            self._utts = dict.fromkeys(paths)
            self._hear = lambda utt: _read(paths[utt])

    def require(self, utts: Iterable[str]) -> None:
        """Check that all of ``utts`` are here.

        Raises:
            InputError: some have no audio; a system that says nothing writes a file without samples.
        """
        utts = list(utts)
        missing = [utt for utt in utts if utt not in self]
        if missing:
            raise InputError(
                f"{self.folder}: {len(missing)} of {len(utts)} utterances have no wav, the first is '{missing[0]}'; "
                "run the stage that writes them again"
            )

    def __getitem__(self, utt: str) -> np.ndarray:
        wav, rate = self._hear(utt)
        return wav if rate == RATE else soxr.resample(wav, rate, RATE, quality="HQ")

    def __iter__(self) -> Iterator[str]:
        return iter(self._utts)

    def __len__(self) -> int:
        return len(self._utts)

    def __contains__(self, utt: object) -> bool:
        return utt in self._utts


def _read(path: str) -> tuple[np.ndarray, int]:
    """A file as it was saved; one without samples is what a system writes that said nothing, and no error."""
    return (np.zeros(0, np.float32), RATE) if _is_empty(path) else read_audio(path)


def _is_empty(path: str) -> bool:
    try:
        return soundfile.info(path).frames == 0
    except soundfile.LibsndfileError:
        return False  # read_audio says what is wrong with it
