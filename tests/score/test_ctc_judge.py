"""The judge of words: learns them, reads them, refuses what it cannot know."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from lmspt.bin import tts_score
from lmspt.data.audio import write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.scp import write_scp
from lmspt.errors import InputError
from lmspt.score import ctc_judge
from lmspt.score.ctc_judge import CtcJudge, log_mel, train_judge
from lmspt.score.judge import open_judge
from lmspt.score.speech import RATE, Speech
from tests.score.sounds import voice

FORMANTS = {"ah": (700.0, 1200.0, 2500.0), "ee": (300.0, 2300.0, 3000.0), "oo": (300.0, 800.0, 2300.0)}


def make_set(folder: Path, n_utts: int, seed: int) -> DataDir:
    """Utterances of two to four vowels, 0.25 s each, at several pitches, with pauses."""
    rng, text, samples = np.random.default_rng(seed), {}, {}
    for i in range(n_utts):
        words = [str(word) for word in rng.choice(list(FORMANTS), rng.integers(2, 5))]
        pieces = [voice(0.25, rng.uniform(100, 220), FORMANTS[word]) for word in words]
        pause = 0.001 * rng.standard_normal(RATE // 10).astype(np.float32)
        wav = np.concatenate([part for piece in pieces for part in (pause, piece)])
        utt = f"s-{i:03d}"
        text[utt], samples[utt] = " ".join(words), len(wav)
        write_wav(folder / "wav" / f"{utt}.wav", wav, RATE)
    write_scp(folder / "wav.scp", {utt: folder / "wav" / f"{utt}.wav" for utt in text})
    write_scp(folder / "text", text)
    write_scp(folder / "utt2spk", dict.fromkeys(text, "s"))
    write_scp(folder / "utt2num_samples", samples)
    return DataDir(folder)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    root = tmp_path_factory.mktemp("judge")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ctc_judge, "STEPS", 160)
        train_judge(make_set(root / "train", 160, 0), root / "judge_ctc", 1)
    make_set(root / "test", 20, 1)
    return {name: root / name for name in ("train", "test", "judge_ctc")}


def test_it_hears_a_training_set_of_another_rate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = make_set(tmp_path / "train", 4, 0)
    for utt, path in data.wav_scp.items():
        wav, _ = soundfile.read(path, dtype="float32")
        write_wav(Path(path), soxr.resample(wav, RATE, 24000), 24000)
        data.num_samples[utt] = len(soundfile.read(path)[0])
    write_scp(tmp_path / "train/utt2num_samples", data.num_samples)
    monkeypatch.setattr(ctc_judge, "STEPS", 1)
    lengths = []
    monkeypatch.setattr(ctc_judge, "log_mel", lambda wav: lengths.append(len(wav)) or log_mel(wav))
    train_judge(DataDir(tmp_path / "train"), tmp_path / "judge", 1)
    assert all(0.7 < n * 24000 / RATE / m < 1.4 for n, m in zip(lengths, data.num_samples.values(), strict=True))


def test_reads_other_utterances_of_its_words(folders: dict[str, Path]) -> None:
    data, judge = DataDir(folders["test"]), open_judge(str(folders["judge_ctc"]), 1, "en")
    assert isinstance(judge, CtcJudge)
    readings = judge.read(Speech(folders["test"]), data.utts)
    wrong = sum(readings[utt].text != data.text[utt] for utt in data.utts)
    assert wrong <= 2
    assert not any(reading.looped for reading in readings.values())


def test_level_is_not_judged_and_nothing_is_nothing(folders: dict[str, Path]) -> None:
    judge, wav = CtcJudge(folders["judge_ctc"], 1), voice(0.5, 150.0, FORMANTS["ee"])
    readings = judge.read({"loud": wav, "soft": 0.1 * wav, "none": wav[:0]}, ["loud", "soft", "none"])
    assert readings["loud"].text == readings["soft"].text != ""
    assert readings["none"].text == ""
    assert set(judge.read({"short": wav[:10], "zero": 0 * wav}, ["short", "zero"])) == {"short", "zero"}
    assert np.isfinite(log_mel(0 * wav)).all()


def test_contract(folders: dict[str, Path]) -> None:
    contract = CtcJudge(folders["judge_ctc"], 1).contract()
    assert contract["name"] == "ctc" and contract["words"] == ["ah", "ee", "oo"]
    assert contract["trained_on"] == "160 utterances of train" and len(contract["sha256"]) == 64


def test_scores_words_alone(folders: dict[str, Path], tmp_path: Path) -> None:
    words = ["--ref", folders["test"], "--wav", folders["test"], "--out", tmp_path, "--judge", folders["judge_ctc"], "--words_only"]
    tts_score.main([str(word) for word in [*words, "--normalizer", "none", "--max_utts", 10]])
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["n_utts"] == 10 and result["wer"] < 0.2
    assert result["contract"]["judge"]["name"] == "ctc" and "dnsmos" not in result


def test_training_is_the_same_every_time(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctc_judge, "STEPS", 4)
    for name in ("a", "b"):
        train_judge(DataDir(folders["test"]), tmp_path / name, 1)
    assert CtcJudge(tmp_path / "a", 1).sha256 == CtcJudge(tmp_path / "b", 1).sha256


def test_open_vocabularies_are_refused(folders: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ctc_judge, "WORDS", 2)
    with pytest.raises(InputError, match=r"text: 3 distinct words, and this judge is for at most 2; leave --second_judge out"):
        train_judge(DataDir(folders["test"]), tmp_path, 1)
    with pytest.raises(InputError, match="no judge here; train it"):
        CtcJudge(tmp_path, 1)
