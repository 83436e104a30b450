from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from lmspt.data.audio import write_wav
from lmspt.errors import InputError
from lmspt.score import codec
from lmspt.score.codec import mel_distance, pesq, score_codec, stoi
from lmspt.score.speech import RATE, Speech
from tests.data.folders import noise, write_tables
from tests.score.sounds import voice

VOICE = voice(2.0)


def noisy(level: float) -> np.ndarray:
    return VOICE + level * noise(2.0)


@pytest.fixture
def no_pesq(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(codec, "find_spec", lambda name: None)


def test_stoi() -> None:
    assert stoi(VOICE, VOICE) == pytest.approx(1.0)
    assert 0.9 > stoi(VOICE, noisy(0.1)) > stoi(VOICE, noisy(1.0)) > 0.0


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.45])
def test_too_little_speech_has_no_stoi(seconds: float) -> None:
    """0.45 s are long enough, but not all of them is speech; pystoi would say 0.00001 with a warning."""
    wav = VOICE[: round(seconds * RATE)].copy()
    wav[RATE // 4 :] = 0.0
    assert np.isnan(stoi(wav, wav))


def test_mel_distance_is_in_decibels() -> None:
    wav = noise(1.0)
    assert mel_distance(wav, wav) == 0.0
    assert mel_distance(wav, 0.5 * wav) == mel_distance(0.5 * wav, wav) == pytest.approx(20 * np.log10(2))
    assert mel_distance(wav, 0.0 * wav) > 60.0
    assert np.isnan(mel_distance(wav[:0], wav[:0]))


def test_pesq_that_is_not_installed_did_not_run(no_pesq: None) -> None:
    with pytest.raises(codec.NotRun, match="pip install pesq"):
        pesq(VOICE, VOICE)


def test_pesq_is_wide_band_with_the_recording_first(monkeypatch: pytest.MonkeyPatch) -> None:
    package = ModuleType("pesq")
    package.__spec__ = ModuleSpec("pesq", None)

    class PesqError:
        RETURN_VALUES = "values"

    def wide_band(rate: int, real: np.ndarray, coded: np.ndarray, mode: str, on_error: str) -> float:
        assert (rate, mode, on_error) == (RATE, "wb", "values")
        return -1.0 if coded is silence else float(real is VOICE)

    package.pesq, package.PesqError = wide_band, PesqError
    monkeypatch.setitem(sys.modules, "pesq", package)
    silence = np.zeros_like(VOICE)
    assert pesq(VOICE, noisy(0.1)) == 1.0
    assert np.isnan(pesq(VOICE, silence))  # -1 is pesq's word for no speech
    assert np.isnan(pesq(VOICE[:0], VOICE[:0]))


def speech(folder: Path, wavs: dict[str, np.ndarray]) -> Speech:
    for utt, wav in wavs.items():
        write_wav(folder / f"{utt}.wav", wav, RATE)
    return Speech(write_tables(folder, {"wav.scp": {utt: folder / f"{utt}.wav" for utt in wavs}}))


def test_a_set_is_scored_on_what_was_resynthesised(tmp_path: Path, no_pesq: None) -> None:
    real = speech(tmp_path / "real", {"a": VOICE, "b": VOICE, "c": VOICE})
    coded = speech(tmp_path / "coded", {"a": VOICE[:-1000], "b": np.zeros(0, np.float32)})
    result = score_codec(real, coded)
    assert (result["set"], result["n_utts"]) == ("real", 2)
    assert (result["stoi"]["mean"], result["stoi"]["n"], result["stoi"]["nan"]) == (pytest.approx(1.0), 1, 1)
    assert result["mel_distance"]["mean"] == pytest.approx(0.0, abs=0.1)
    assert list(result["pesq"]) == ["not_run"]
    assert [row["mel_distance"] is None for row in result["utts"]] == [False, True]


def test_another_set_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'x' is not an utterance of"):
        score_codec(speech(tmp_path / "real", {"a": VOICE}), speech(tmp_path / "coded", {"x": VOICE}))
