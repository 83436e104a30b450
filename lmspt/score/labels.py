"""What is said when: labelled stretches of utterances, from the recordings they are joined from or from a ctm."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lmspt.data.audio import read_header
from lmspt.data.datadir import DataDir
from lmspt.errors import InputError

SILENCE = ""
SILENT_LABELS = ("sil", "sp", "<eps>")  # what aligners call it
CTM_LINE = "its lines are '<utterance> <channel> <begin> <duration> <label>'"


@dataclass(frozen=True)
class Stretch:
    """Part of an utterance in which one thing is said, from ``begin`` to ``end`` (seconds).

    Attributes:
        source: what was recorded at once; the same recording in two utterances has one name.
    """

    begin: float
    end: float
    label: str
    source: str


Labels = dict[str, list[Stretch]]  # by utterance


def labels_of_joins(data: DataDir) -> Labels:
    """Words of utterances that are joined from a recording a word (others are left out), as long as their recordings are."""
    labels: Labels = {}
    seconds: dict[str, float] = {}
    for utt, join in data.joins.items():
        words = data.text[utt].split()
        if len(words) != len(join.recordings):
            continue
        labels[utt], time = [], 0.0
        for word, pause, recording in zip(words, join.pauses, join.recordings, strict=True):
            if recording not in seconds:
                samples, rate = read_header(data.wav_scp[recording])
                seconds[recording] = samples / rate
            time += pause
            labels[utt].append(Stretch(time, time + seconds[recording], word, recording))
            time += seconds[recording]
    return labels


def read_ctm(path: Path) -> Labels:
    """Labels from Kaldi's and NIST's ctm: ``<utterance> <channel> <begin> <duration> <label> [<confidence>]``, seconds, lines of an
    utterance in order. Comments (``;;``) and silence are left out, and utterances of nothing else: what an aligner could not align.

    Raises:
        InputError: no such file, or a line that is none; names it.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such alignment; {CTM_LINE}")
    labels: Labels = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith(";;"):
            continue
        try:
            utt, _, begin, duration, label = line.split()[:5]
            stretch = Stretch(float(begin), round(float(begin) + float(duration), 4), label, f"{utt} {begin}")
        except ValueError:
            raise InputError(f"{path}:{number}: '{line[:60]}'; {CTM_LINE}") from None
        before = labels.setdefault(utt, [])
        if not (before[-1].end if before else 0.0) <= stretch.begin < stretch.end < math.inf:
            raise InputError(f"{path}:{number}: {duration} s from {begin} s on; stretches must have a length and follow each other")
        if label.lower() not in SILENT_LABELS:
            before.append(stretch)
    return {utt: stretches for utt, stretches in labels.items() if stretches}


def frame_labels(stretches: Sequence[Stretch], n_frames: int, frame_rate: float) -> np.ndarray:
    """(F,) labels: what is said in the middle of each frame, ``SILENCE`` between stretches."""
    middles = (np.arange(n_frames) + 0.5) / frame_rate
    which = np.searchsorted([s.begin for s in stretches], middles, side="right") - 1
    inside = (which >= 0) & (middles < np.array([s.end for s in stretches])[which])
    return np.where(inside, np.array([s.label for s in stretches])[which], SILENCE)


def codes_of(stretch: Stretch, codes: np.ndarray, frame_rate: float) -> np.ndarray:
    """Part of ``codes`` (F,) whose frames have their middle in the stretch; at least one code."""
    begin = min(max(math.ceil(stretch.begin * frame_rate - 0.5), 0), len(codes) - 1)
    return codes[begin : max(math.ceil(stretch.end * frame_rate - 0.5), begin + 1)]
