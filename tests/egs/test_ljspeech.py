"""The ljspeech recipe's local/data.sh: the corpus where it lies, or fetched; never from an archive that is another's."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lmspt.data.validate import validate
from tests.data.folders import sound_dir, write_lines
from tests.utils.shell import ROOT

IDS = [f"LJ001-{i:04}" for i in range(1, 7)]


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """The recipe with this Python as its environment, and a curl that copies the file archive.tar.bz2."""
    folder = tmp_path / "slm1"
    shutil.copytree(ROOT / "egs/ljspeech/slm1/local", folder / "local")
    shutil.copy(ROOT / "egs/ljspeech/slm1/db.sh", folder)
    (folder / "utils").symlink_to(ROOT / "utils")
    path = f"{tmp_path}/bin:{Path(sys.executable).parent}:${{PATH}}"
    (folder / "path.sh").write_text(f"export PATH={path} PYTHONPATH={ROOT}\n")
    (tmp_path / "bin").mkdir()
    curl = tmp_path / "bin" / "curl"
    curl.write_text(f'#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\ncp {tmp_path}/archive.tar.bz2 "$2" || exit 22\n')
    curl.chmod(0o755)
    return folder


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Six sentences, laid out as the corpus is."""
    folder = tmp_path / "LJSpeech-1.1"
    (wav,) = (sound_dir(tmp_path / "sound", rate=22050) / "audio").glob("b-1.wav")
    (folder / "wavs").mkdir(parents=True)
    for utt in IDS:
        shutil.copy(wav, folder / "wavs" / f"{utt}.wav")
    write_lines(folder / "metadata.csv", *(f'{utt}|"No. {i}, he said|"Number {i}, he said' for i, utt in enumerate(IDS)))
    write_lines(folder / "README", "about the corpus")
    return folder


def data_sh(recipe: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = ["local/data.sh", "--dev", "1", "--test", "2", *options]
    environment = {**os.environ, **environment}
    return subprocess.run(command, cwd=recipe, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_where_it_lies(recipe: Path, corpus: Path) -> None:
    done = data_sh(recipe, LJSPEECH=str(corpus))
    assert done.returncode == 0, done.stderr
    sets = {name: validate(recipe / "data" / name).data for name in ("train", "dev", "test")}
    assert {name: len(data.utts) for name, data in sets.items()} == {"train": 3, "dev": 1, "test": 2}
    assert {speaker for data in sets.values() for speaker in data.utt2spk.values()} == {"LJ"}
    texts = {utt: text for data in sets.values() for utt, text in data.text.items()}
    assert texts == {utt: f'"Number {i}, he said' for i, utt in enumerate(IDS)}


def test_an_archive_with_another_sum_is_not_unpacked(recipe: Path, corpus: Path) -> None:
    subprocess.run(["tar", "-cjf", corpus.parent / "archive.tar.bz2", "-C", corpus.parent, "LJSpeech-1.1"], check=True)
    done = data_sh(recipe)
    assert done.returncode == 1
    assert "is not the published one: remove it and run this again" in done.stderr
    assert not (recipe / "downloads" / "LJSpeech-1.1").exists()


def test_an_archive_is_unpacked_and_goes(recipe: Path, corpus: Path) -> None:
    archive = corpus.parent / "archive.tar.bz2"
    subprocess.run(["tar", "-cjf", archive, "-C", corpus.parent, "LJSpeech-1.1"], check=True)
    made = subprocess.run(["sha256sum", archive], capture_output=True, text=True, check=True).stdout.split()[0]
    script = recipe / "local" / "data.sh"
    lines = [f"sum={made}" if line.startswith("sum=") else line for line in script.read_text().splitlines()]
    script.write_text("\n".join(lines) + "\n")
    assert data_sh(recipe).returncode == 0
    assert [path.name for path in (recipe / "downloads").iterdir()] == ["LJSpeech-1.1"]


def test_no_network(recipe: Path) -> None:
    done = data_sh(recipe)
    assert done.returncode == 1
    assert "cannot fetch the corpus: run this again to go on, or set LJSPEECH in db.sh to its folder" in done.stderr
