"""What two sets share, and what only the samples show, through validate_data and fix_data."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.data.folders import noise, sound_dir, write_lines


def test_a_tested_utterance_was_trained_on(refused: Callable[..., str], tmp_path: Path) -> None:
    train, test = sound_dir(tmp_path / "train"), sound_dir(tmp_path / "test")
    said = refused("validate_data", test, "--against", train)
    assert f"{test}: 3 problems" in said
    assert f"{test}: 'a-1' is the audio of 'a-1' in {train}; remove it from one of them" in said


def test_the_set_it_is_held_against_is_missing(refused: Callable[..., str], tmp_path: Path) -> None:
    test = sound_dir(tmp_path / "test")
    assert "train: no such data directory" in refused("validate_data", test, "--against", tmp_path / "train")


READ = [
    ("silent", np.zeros(8000), {}, "/audio/a-2.wav is silent; remove its line or run utils/fix_data_dir.sh --read-audio"),
    ("NaN", np.full(8000, np.nan), {"subtype": "FLOAT"}, "/audio/a-2.wav: holds NaN or infinite samples"),
    ("infinite", np.full(8000, np.inf), {"subtype": "FLOAT"}, "/audio/a-2.wav: holds NaN or infinite samples"),
]


@pytest.mark.parametrize(("wav", "options", "message"), [row[1:] for row in READ], ids=[row[0] for row in READ])
def test_samples(refused: Callable[..., str], tmp_path: Path, wav: np.ndarray, options: dict[str, str], message: str) -> None:
    folder = sound_dir(tmp_path / "data")
    soundfile.write(folder / "audio" / "a-2.wav", wav, 16000, **options)
    assert message in refused("validate_data", folder, "--read-audio")


def test_nothing_would_be_left(refused: Callable[..., str], tmp_path: Path) -> None:
    train, test = sound_dir(tmp_path / "train"), sound_dir(tmp_path / "test")
    assert "no utterance would be left; nothing was changed" in refused("fix_data", test, "--against", train)
    assert not (test / ".backup").exists()


def test_fix_says_what_it_dropped_and_why(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    soundfile.write(folder / "audio" / "a-2.wav", noise(0.0), 16000)
    write_lines(folder / "text", "a-1 x", "a-2 y")
    done = subprocess.run([sys.executable, "-m", "lmspt.bin.fix_data", folder], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0
    said = done.stdout.splitlines()
    assert [line.split(":")[0] for line in said[:2]] == ["dropped a-2", "dropped b-1"]
    assert "holds no samples" in said[0]
    assert said[-1] == f"{folder}: kept 1 out of 3 utterances"
    assert len((folder / ".backup" / "dropped.tsv").read_text().splitlines()) == 3
