from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lmspt.data.audio import write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.format import format_data
from lmspt.errors import InputError
from lmspt.score.speech import RATE, Speech
from tests.data.folders import noise, sound_dir, write_tables
from tests.score.sounds import voice


def test_a_formatted_set_is_heard_by_utterance(tmp_path: Path) -> None:
    """Its wav.scp lists recordings; a joined utterance is heard as all of it."""
    data = sound_dir(tmp_path / "data", rate=8000)
    write_tables(data, {"joins": {"a-1": "a-1 0.25 b-1"}})
    format_data(DataDir(data), tmp_path / "raw", 8000)
    speech = Speech(tmp_path / "raw")
    assert list(speech) == ["a-1", "a-2", "b-1"]
    assert (len(speech["a-1"]), len(speech["a-2"])) == (1.25 * RATE, 0.5 * RATE)  # 8 kHz, and at the judges' rate
    speech.require(["a-1", "b-1"])


def test_files_as_they_were_saved(tmp_path: Path) -> None:
    wavs = {"a": noise(seed=1), "b": noise(seed=2)}
    for utt, wav in wavs.items():
        write_wav(tmp_path / f"{utt}.wav", wav, RATE)
    speech = Speech(write_tables(tmp_path, {"wav.scp": {utt: tmp_path / f"{utt}.wav" for utt in wavs}}))
    for utt, wav in wavs.items():
        np.testing.assert_allclose(speech[utt], wav, atol=2**-15)


def test_another_rate_is_resampled(tmp_path: Path) -> None:
    wav = voice(1.0)
    soundfile.write(tmp_path / "a.wav", wav[::2], RATE // 2)  # the voice has little above 4 kHz
    speech = Speech(write_tables(tmp_path, {"wav.scp": {"a": tmp_path / "a.wav"}}))
    assert np.corrcoef(speech["a"], wav)[0, 1] > 0.99


def test_a_file_without_samples_is_an_empty_utterance(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.zeros(0), RATE)
    (tmp_path / "b.wav").write_bytes(b"RIFF no more")
    speech = Speech(write_tables(tmp_path, {"wav.scp": {utt: tmp_path / f"{utt}.wav" for utt in "abc"}}))
    assert speech["a"].shape == (0,)
    with pytest.raises(InputError, match=r"b\.wav: cannot be read as audio"):
        speech["b"]
    with pytest.raises(InputError, match=r"c\.wav: no such file"):
        speech["c"]


def test_a_missing_utterance_is_an_error(tmp_path: Path) -> None:
    speech = Speech(write_tables(tmp_path, {"wav.scp": {"a": "a.wav"}}))
    with pytest.raises(InputError, match="2 of 3 utterances have no wav, the first is 'b'"):
        speech.require(["a", "b", "c"])
