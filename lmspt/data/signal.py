"""What only reading the samples shows: silence, clipping, NaN, a file that ends before its header says so."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from lmspt.data.audio import read_audio
from lmspt.data.datadir import DataDir, Segment
from lmspt.data.scp import Found, Problem
from lmspt.errors import InputError

SILENT = 1e-4  # peak of what counts as silence, -80 dB of full scale
FULL_SCALE = 0.999


@dataclass(frozen=True)
class Signal:
    """One recording.

    Attributes:
        seconds: length.
        rate: Hz.
        peak: the largest sample, full scale is 1.
        clipped: share of samples at full scale.
        silent: segments of it that are silent.
    """

    seconds: float
    rate: int
    peak: float
    clipped: float
    silent: tuple[str, ...]


def read_signals(data: DataDir, found: Found, nj: int = 1) -> dict[str, Signal]:
    """Read all recordings that utterances are made of; pipes are run.

    Args:
        data: a directory, as far as it can be read.
        found: called with each problem: silent recordings and segments, and what cannot be read.
        nj: threads; each holds one recording in memory.
    """
    pieces = pieces_of(data)
    signals = {}
    with ThreadPoolExecutor(nj) as pool:
        done = pool.map(lambda item: _read(data.wav_scp[item[0]], item[1], data.channel), pieces.items())
        for name, signal in zip(pieces, tqdm(done, f"{data.folder}: audio", len(pieces), disable=None, mininterval=2), strict=True):
            line = f"{data.folder}/wav.scp: '{name}': {data.wav_scp[name]}"
            if isinstance(signal, str):
                found(Problem(f"{data.folder}/wav.scp: '{name}': {signal}", name, of_recording=True))
                continue
            signals[name] = signal
            if signal.peak < SILENT:
                found(Problem(f"{line} is silent; remove its line or run utils/fix_data_dir.sh --read-audio", name, True))
            else:
                for utt in signal.silent:
                    found(Problem(f"{data.folder}/segments: '{utt}' is silent; remove its line", utt))
    return signals


def pieces_of(data: DataDir) -> dict[str, dict[str, Segment | None]]:
    """What utterances need of each recording: segments by their utterance, all of it (``None``) by its own name."""
    pieces: dict[str, dict[str, Segment | None]] = {}
    for utt in data.utts:
        segment = data.segments.get(utt)
        for recording in data.recordings_of(utt):
            if recording in data.wav_scp:
                pieces.setdefault(recording, {})[utt if segment else recording] = segment
    return pieces


def _read(source: str, pieces: Mapping[str, Segment | None], channel: int | None) -> Signal | str:
    try:
        wav, rate = read_audio(source, channel)
    except InputError as error:
        return str(error)
    level = np.abs(wav)
    cuts = {name: level[round(s.begin * rate) : round(s.end * rate)] for name, s in pieces.items() if s}
    silent = tuple(name for name, cut in cuts.items() if len(cut) and cut.max() < SILENT)
    return Signal(len(wav) / rate, rate, float(level.max()), float((level >= FULL_SCALE).mean()), silent)
