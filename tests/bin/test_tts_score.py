"""Stage 12 from end to end, on voice-like sounds and with the smallest Whisper as the judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from lmspt.bin.tts_score import main
from lmspt.data.audio import write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.format import format_data
from lmspt.data.subset import choose_utts
from lmspt.errors import InputError
from tests.data.folders import write_lines, write_tables
from tests.score.sounds import RATE, voice
from tests.test_start import heavy_imports

SPEAKERS = {"a-1": "a", "a-2": "a", "a-3": "a", "b-1": "b", "b-2": "b"}
PITCH = {"a": 110.0, "b": 210.0}
SECONDS = 1.5


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A formatted set; ``b-2`` is joined from two takes of a word."""
    folder = tmp_path_factory.mktemp("corpus")
    takes = {**SPEAKERS, "b-take1": "b", "b-take2": "b"}
    del takes["b-2"]
    for take, speaker in takes.items():
        write_wav(folder / f"{take}.wav", voice(SECONDS, PITCH[speaker]), RATE)
    tables = {
        "wav.scp": {take: folder / f"{take}.wav" for take in takes},
        "text": dict.fromkeys(SPEAKERS, "one two"),
        "utt2spk": SPEAKERS,
        "joins": {"b-2": "b-take1 0.2 b-take2"},
    }
    format_data(DataDir(write_tables(folder / "data", tables)), folder / "test", RATE)
    return folder / "test"


def spoken(folder: Path, utts: list[str]) -> Path:
    """What a system said: half as slow, nothing for ``a-3``, b's text in a's voice."""
    for utt in utts:
        write_wav(folder / f"{utt}.wav", voice(2 * SECONDS, PITCH["a"]), RATE)
    soundfile.write(folder / "a-3.wav", np.zeros(0), RATE)
    return write_tables(folder, {"wav.scp": {utt: folder / f"{utt}.wav" for utt in utts}})


def score(raw: Path, wavs: Path, out: Path, *more: str) -> dict[str, Any]:
    main(["--ref", str(raw), "--wav", str(wavs), "--out", str(out), "--judge", "whisper-tiny.en", "--num_threads", "1", *more])
    return json.loads((out / "result.json").read_text())


def test_help_is_light() -> None:
    assert heavy_imports(["tts_score", "--help"]) == []


def test_real_audio(raw: Path, tmp_path: Path) -> None:
    """The ground-truth row: utterances of the formatted set, joined ones as well."""
    result = score(raw, raw, tmp_path)
    assert (result["set"], result["n_utts"], result["n_words"]) == ("test", 5, 10)
    assert result["duration"]["ratio_to_reference"]["mean"] == 1.0
    assert result["speaker_similarity"]["mean"] > 0.95
    assert result["speaker_similarity"]["nan"] == 0
    assert all(1.0 < result["dnsmos"][name]["mean"] < 5.0 for name in ("ovrl", "sig", "bak", "p808"))
    assert "failures" not in result
    contract = result["contract"]
    assert (contract["judge"]["name"], contract["judge"]["beam_size"]) == ("whisper-tiny.en", 5)
    assert contract.keys() >= {"normalizer", "normalizer_version", "versions", "speaker_model", "dnsmos"}
    assert (tmp_path / "hyp.trn").read_text().count("\n") == 5


def test_a_system(raw: Path, tmp_path: Path) -> None:
    utts = choose_utts(SPEAKERS, 4)
    assert utts == ["a-1", "a-3", "b-1", "b-2"]
    wavs = spoken(tmp_path, utts)
    line = '{"utt": "%s", "frames": %d, "ended": %s, "repeated": false, "seconds": 1.0}'
    write_lines(wavs / "stats.jsonl", *(line % (utt, utt != "a-3", str(utt != "b-2").lower()) for utt in SPEAKERS))
    result = score(raw, wavs, tmp_path, "--max_utts", "4")
    rows = {row["utt"]: row for row in result["utts"]}
    assert list(rows) == utts
    assert (rows["a-3"]["hyp"], rows["a-3"]["errors"], rows["a-3"]["ovrl"]) == ("", 2, None)
    assert result["empty"] >= 1
    assert (result["dnsmos"]["ovrl"]["n"], result["dnsmos"]["ovrl"]["nan"]) == (3, 1)
    assert (result["speaker_similarity"]["n"], result["speaker_similarity"]["nan"]) == (3, 1)
    assert rows["b-2"]["speaker_similarity"] < 0.9  # another's voice
    assert (rows["a-3"]["duration_ratio"], rows["b-2"]["duration_ratio"]) == (0.0, pytest.approx(3.0 / 3.2))
    assert result["failures"] == {"not_ended": 1, "repeated": 0, "empty": 1}


def test_missing_audio_is_an_error(raw: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 of 5 utterances have no wav, the first is 'b-1'"):
        score(raw, spoken(tmp_path, ["a-1", "a-2", "a-3", "b-2"]), tmp_path)
    assert not (tmp_path / "result.json").exists()


@pytest.mark.parametrize(("line", "message"), [("{", "stats.jsonl:1: '{' is no line"), ('{"utt": "a-1"}', "stats.jsonl:1:")])
def test_bad_statistics(tmp_path: Path, line: str, message: str) -> None:
    from lmspt.score.tts import failures

    write_lines(tmp_path / "stats.jsonl", line)
    with pytest.raises(InputError, match=message):
        failures(tmp_path / "stats.jsonl", ["a-1"])


def test_statistics_of_another_set(tmp_path: Path) -> None:
    from lmspt.score.tts import failures

    write_lines(tmp_path / "stats.jsonl", '{"utt": "x", "frames": 3, "ended": true, "repeated": false, "seconds": 1.0}')
    with pytest.raises(InputError, match="no line for 'a-1'"):
        failures(tmp_path / "stats.jsonl", ["a-1"])
