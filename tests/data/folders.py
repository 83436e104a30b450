"""Small data directories to test with: noise bursts as speech, and ways to spoil them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import soundfile

UTTS = ("a-1", "a-2", "b-1")


def noise(seconds: float = 0.5, rate: int = 16000, seed: int = 0) -> np.ndarray:
    """(T,) float32, audible and never full scale."""
    return np.random.default_rng(seed).uniform(-0.5, 0.5, round(seconds * rate)).astype(np.float32)


def write_lines(path: Path, *lines: str) -> None:
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def write_tables(folder: Path, tables: Mapping[str, Mapping[str, object]]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        write_lines(folder / name, *(f"{key} {value}" for key, value in table.items()))
    return folder


def sound_dir(folder: Path, seconds: float = 0.5, rate: int = 16000) -> Path:
    """A directory with nothing wrong: ``UTTS`` of two speakers, a recording each in ``folder/audio/``."""
    (folder / "audio").mkdir(parents=True)
    paths = {utt: folder / "audio" / f"{utt}.wav" for utt in UTTS}
    for seed, path in enumerate(paths.values()):
        soundfile.write(path, noise(seconds, rate, seed), rate)
    words = {"a-1": "one", "a-2": "two words", "b-1": "où ça"}
    return write_tables(folder, {"wav.scp": paths, "text": words, "utt2spk": {utt: utt[0] for utt in UTTS}})
