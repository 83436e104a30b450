"""What a data directory holds, and what is odd in it, in words."""

from __future__ import annotations

import shutil
from pathlib import Path

import soundfile

from lmspt.data.validate import inspect, validate
from tests.data.folders import noise, sound_dir, write_lines, write_tables


def read_dir(folder: Path, seconds: list[float], texts: list[str]) -> Path:
    """One speaker, an utterance for each length and text."""
    utts = [f"s-{i:02}" for i in range(len(seconds))]
    for i, utt in enumerate(utts):
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / "audio" / f"{utt}.wav", noise(seconds[i], 8000, i), 8000)
    paths = {utt: folder / "audio" / f"{utt}.wav" for utt in utts}
    return write_tables(
        folder, {"wav.scp": paths, "text": dict(zip(utts, texts, strict=True)), "utt2spk": dict.fromkeys(utts, "s")}
    )


def test_durations(tmp_path: Path) -> None:
    folder = read_dir(tmp_path / "data", [0.3, 0.4, 0.4, 1.5], ["x"] * 4)
    assert validate(folder).durations() == [
        "  seconds: 0.30 at least, 0.40 in the middle, 1.50 at most",
        "   0.25 - 0.5         3 ########################################",
        "    0.5 - 1           0",
        "      1 - 2           1 ##############",
    ]


def test_no_length_is_known(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "wav.scp", *(f"{utt} cat x |" for utt in ("a-1", "a-2", "b-1")))
    assert inspect(folder).durations() == []


def test_text_and_audio_that_do_not_belong_together(tmp_path: Path) -> None:
    texts = ["ten letters"] * 18 + ["word " * 20, "a", "b"]
    folder = read_dir(tmp_path / "data", [1.0] * 19 + [9.0, 0.1], texts)
    report = validate(folder)
    assert report.durations()[0].endswith("; 11.0 characters of text a second")
    assert report.warnings() == [
        f"{folder}: 2 utterances with far more or less text than others of that length, e.g. 's-18': 99 characters in 1.00 s "
        "(others: 11.0 characters a second)"
    ]


def test_the_same_audio_twice(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    shutil.copy(folder / "audio" / "a-1.wav", folder / "audio" / "b-1.wav")
    assert validate(folder).warnings() == [
        f"{folder}: 1 utterance with the audio of another, e.g. 'b-1' that of 'a-1'; 1 with another text"
    ]
    write_lines(folder / "segments", "b-1 b-1 0 0.2")
    assert validate(folder).warnings() == []


def test_letters_in_pieces(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "text", "a-1 ou\u0300", "a-2 où", "b-1 x")
    (warning,) = validate(folder).warnings()
    assert "/text: 1 transcript with letters in several pieces (not NFC), the first 'a-1'" in warning
