"""A new recipe: setup.sh, then local/data.sh as it comes, on corpora of the usual kinds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lmspt.data.datadir import DataDir
from lmspt.data.validate import validate
from tests.data.folders import sound_dir, write_lines
from tests.utils.shell import ROOT


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    """What setup.sh leaves, with this Python as its environment."""
    shutil.copytree(ROOT / "egs/TEMPLATE", tmp_path / "egs/TEMPLATE", symlinks=True)
    (tmp_path / "utils").symlink_to(ROOT / "utils")
    folder = tmp_path / "egs" / "my corpus" / "slm1"
    subprocess.run([tmp_path / "egs/TEMPLATE/slm1/setup.sh", folder], check=True, capture_output=True)
    (folder / "path.sh").unlink()
    (folder / "path.sh").write_text(f"export PATH={Path(sys.executable).parent}:${{PATH}} PYTHONPATH={ROOT}\n")
    return folder


def data_sh(recipe: Path, corpus: Path | str, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MYCORPUS": str(corpus)}
    command = ["local/data.sh", *options]
    return subprocess.run(command, cwd=recipe, env=environment, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three recordings, and a table that names them."""
    folder = tmp_path / "a corpus"
    sound_dir(folder / "kaldi")
    shutil.copytree(folder / "kaldi" / "audio", folder / "table" / "wavs")
    write_lines(folder / "table" / "t.csv", "path,text,who", "a-1.wav,one,ann", 'a-2.wav,"two, or so",bob', "b-1.wav,où,cid")
    return folder


def sets_of(recipe: Path) -> dict[str, int]:
    return {path.name: len(validate(path).data.utts) for path in (recipe / "data").iterdir() if path.is_dir()}


def test_a_table(recipe: Path, corpus: Path) -> None:
    done = data_sh(recipe, corpus / "table", "--columns", "speaker=who")
    assert done.returncode == 0, done.stderr
    assert sets_of(recipe) == {"train": 1, "dev": 1, "test": 1}
    assert "data/train: 1 utterances, 1 speaker\n" in done.stdout
    rows = [line.split("\t") for line in (recipe / "data/split.tsv").read_text().splitlines()]
    assert rows[0] == ["set", "utterance", "speaker", "audio"]
    assert sorted(row[1:3] for row in rows[1:]) == [["ann-a-1", "ann"], ["bob-a-2", "bob"], ["cid-b-1", "cid"]]


def test_a_kaldi_directory(recipe: Path, corpus: Path) -> None:
    done = data_sh(recipe, corpus / "kaldi", "--dev", "1", "--test", "1", "--split_by", "utterance")
    assert done.returncode == 0, done.stderr
    assert sets_of(recipe) == {"train": 1, "dev": 1, "test": 1}


def test_what_is_bad_stops_it_or_is_left_out(recipe: Path, corpus: Path) -> None:
    for path in (corpus / "table/wavs").iterdir():
        path.with_suffix(".txt").write_text("" if path.stem == "a-1" else "x")
    (corpus / "table/t.csv").unlink()
    shutil.copy(corpus / "table/wavs/a-2.wav", corpus / "table/c.wav")
    done = data_sh(recipe, corpus / "table")
    assert done.returncode == 1
    assert "2 of 4 utterances cannot be used; mend them, or leave them out: --drop_bad of local/data.sh\n" in done.stderr
    assert not (recipe / "data").exists()
    done = data_sh(recipe, corpus / "table", "--drop_bad")
    assert done.returncode == 1, "two utterances are too few for three sets"
    assert "none is left for train" in done.stderr
    shutil.copy(corpus / "table/wavs/a-2.wav", corpus / "table/d.wav").parent.joinpath("d.txt").write_text("y")
    done = data_sh(recipe, corpus / "table", "--drop_bad")
    assert done.returncode == 0, done.stderr
    dropped = (recipe / "data/dropped.tsv").read_text()
    assert "c.wav\tno c.txt; write it" in dropped
    assert "wavs/a-1.wav\t" in dropped


def test_no_corpus(recipe: Path) -> None:
    done = data_sh(recipe, "")
    assert done.returncode == 1
    assert "where is the corpus? Name its folder in db.sh" in done.stderr


def test_a_second_import_leaves_no_segments_behind(recipe: Path, corpus: Path) -> None:
    (corpus / "table/t.csv").write_text("path,start,end,text\n" + "".join(f"a-1.wav,0.{i},0.{i + 1},x\n" for i in range(4)))
    assert data_sh(recipe, corpus / "table").returncode == 0
    assert len(DataDir(recipe / "data/train").segments) == 2
    assert data_sh(recipe, corpus / "kaldi", "--split_by", "utterance").returncode == 0
    assert not (recipe / "data/train/segments").exists()
