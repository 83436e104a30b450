"""A formatted data directory of a few synthetic voices, for tests of what reads one."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lmspt.data.audio import write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.scp import write_scp

RATE = 16000


def voiced(seconds: float, pitch: float, seed: int) -> np.ndarray:
    """Harmonics under a moving envelope: enough like a voice for an encoder to have something to say."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * RATE)) / RATE
    wav = sum(np.sin(2 * np.pi * pitch * n * t + rng.uniform(0, 6)) / n for n in range(1, 12))
    envelope = 0.2 + np.abs(np.sin(2 * np.pi * rng.uniform(1, 4) * t))
    return (0.05 * wav * envelope + 0.001 * rng.standard_normal(len(t))).astype(np.float32)


def write_corpus(folder: Path, n: int = 6, joined: bool = True) -> DataDir:
    """``n`` utterances of 0.5 to 1.5 s by two speakers; the last one is joined from two of the others."""
    lengths = {}
    for i in range(n):
        utt = f"spk{i % 2}-{i:02d}"
        wav = voiced(0.5 + i / max(n - 1, 1), 100 + 60 * (i % 2), i)
        write_wav(folder / "wav" / f"{utt}.flac", wav, RATE)
        lengths[utt] = len(wav)
    write_scp(folder / "wav.scp", {utt: folder / "wav" / f"{utt}.flac" for utt in lengths})
    if joined:
        write_scp(folder / "joins", {"spk0-99": "spk0-00 0.1 spk0-02"})
        lengths["spk0-99"] = lengths["spk0-00"] + RATE // 10 + lengths["spk0-02"]
    write_scp(folder / "text", dict.fromkeys(lengths, "one two"))
    write_scp(folder / "utt2spk", {utt: utt[:4] for utt in lengths})
    write_scp(folder / "utt2num_samples", lengths)
    return DataDir(folder)
