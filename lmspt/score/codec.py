"""How near resynthesised speech comes to the recording: STOI, PESQ, and a distance of log-mel spectra.

All three compare sample by sample in time: both sides start together and the longer one is cut to the shorter.
"""

from __future__ import annotations

import warnings
from importlib.util import find_spec
from typing import Any

import numpy as np
import pystoi
from tqdm import tqdm

from lmspt.errors import InputError
from lmspt.score.contract import versions
from lmspt.score.measure import NotRun, add_columns, columns_of, mean_of
from lmspt.score.mel import mel_power
from lmspt.score.speech import RATE, Speech

N_FFT, HOP, N_MELS = 1024, 256, 80
SHORTEST = int(0.4 * RATE)  # samples; STOI correlates 0.384 s at a time
FLOOR = 1e-5  # of a mel magnitude, -100 dB of full scale
CONTRACT = {
    "sample_rate": RATE,
    "pesq": "wide band, P.862.2",
    "mel_distance": f"mean of |difference| in dB, {N_MELS} bands, windows of {N_FFT} every {HOP} samples, floor {FLOOR}",
}


def score_codec(real: Speech, coded: Speech) -> dict[str, Any]:
    """``codec.json`` of all utterances that ``coded`` has.

    Raises:
        InputError: ``coded`` has an utterance that ``real`` has not.
    """
    utts = sorted(coded)
    for utt in utts:
        if utt not in real:
            raise InputError(f"{coded.folder}/wav.scp: '{utt}' is not an utterance of {real.folder}; another set?")
    columns = {}
    for name, measure in {"stoi": stoi, "pesq": pesq, "mel_distance": mel_distance}.items():
        progress = tqdm(utts, name, disable=None, mininterval=2)
        columns |= columns_of((name,), lambda m=measure, p=progress: [(m(*_same_length(real[u], coded[u])),) for u in p])
    rows = [{"utt": utt} for utt in utts]
    add_columns(rows, columns)
    return {
        "contract": {**CONTRACT, "versions": versions(["pystoi", "pesq", "soxr"])},
        "set": real.folder.name,
        "n_utts": len(utts),
        **{name: mean_of(column) for name, column in columns.items()},
        "utts": rows,
    }


def stoi(real: np.ndarray, coded: np.ndarray) -> float:
    """Short-time objective intelligibility of (T,) at 16 kHz; NaN below 0.4 s of speech. Taal et al., ICASSP 2010."""
    if len(real) < SHORTEST:
        return float("nan")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Not enough STFT frames", RuntimeWarning)
        try:
            return float(pystoi.stoi(real, coded, RATE))
        except RuntimeWarning:
            return float("nan")  # pystoi itself says 0.00001


def pesq(real: np.ndarray, coded: np.ndarray) -> float:
    """PESQ, wide band, of (T,) at 16 kHz; NaN where it finds no speech.

    Raises:
        NotRun: the package is not installed, which is the user's to choose: its core is under the terms of the ITU.
    """
    if find_spec("pesq") is None:
        raise NotRun("pesq is not installed; its core is under the terms of ITU-T P.862: pip install pesq if you accept them")
    from pesq import PesqError
    from pesq import pesq as itu_pesq

    if not len(real):
        return float("nan")
    score = itu_pesq(RATE, real, coded, "wb", on_error=PesqError.RETURN_VALUES)
    return float(score) if score > 0 else float("nan")


def mel_distance(real: np.ndarray, coded: np.ndarray) -> float:
    """Mean distance of log-mel magnitudes in dB of (T,) at 16 kHz; NaN for no samples."""
    if not len(real):
        return float("nan")
    levels = [10 * np.log10(np.maximum(mel_power(wav, N_FFT, HOP, N_MELS, RATE), FLOOR**2)) for wav in (real, coded)]
    return float(np.abs(levels[0] - levels[1]).mean())


def _same_length(real: np.ndarray, coded: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    n_samples = min(len(real), len(coded))
    return real[:n_samples], coded[:n_samples]
