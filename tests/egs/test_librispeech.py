"""The librispeech recipe's data: the corpus by its folders, excerpts by their table, archives that are checked."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lmspt.data.datadir import DataDir
from lmspt.errors import InputError
from tests.utils.shell import ROOT

RECIPE = ROOT / "egs/librispeech/slm1"
SUBSETS = ("train-clean-100", "train-clean-360", "dev-clean", "test-clean", "test-other")
spec = importlib.util.spec_from_file_location("librispeech_prepare", RECIPE / "local/prepare.py")
prepare = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = prepare  # dataclasses look their module up
spec.loader.exec_module(prepare)


def write_recording(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, 0.1 * np.random.default_rng(seed).standard_normal(8000), 16000)


def write_corpus(folder: Path) -> Path:
    """Two readers a subset, a chapter each, two utterances a chapter, half a second an utterance."""
    for i, subset in enumerate(SUBSETS):
        for reader in (10 * i + 1, 10 * i + 2):
            chapter = folder / subset / str(reader) / "77"
            lines = []
            for number in range(2):
                write_recording(chapter / f"{reader}-77-{number:04d}.flac", reader + number)
                lines.append(f"{reader}-77-{number:04d} READER {reader} SAYS THIS\n")
            (chapter / f"{reader}-77.trans.txt").write_text("".join(lines))
    return folder


def write_excerpts(folder: Path) -> Path:
    """An utterance of each of nine training readers, one of them with a doubtful text, and two of test-other."""
    rows = ["id\tpath\tsubset\tspeaker\ttext_ok\ttext\n"]
    for reader in (*range(1, 10), 100, 101):
        utt, subset = f"{reader}-5-0000", "test-other" if reader >= 100 else "train-clean-100"
        write_recording(folder / "flac" / f"{utt}.flac", reader)
        rows.append(f'{utt}\tflac/{utt}.flac\t{subset}\t{reader}\t{int(reader != 9)}\tHe said, "Yes."\n')
    (folder / "manifest.tsv").write_text("".join(rows))
    return folder


def make(corpus: Path, out: Path, *options: str) -> dict[str, DataDir]:
    given = {"--train_subsets": ["train-clean-100", "train-clean-360"], "--n_dev": ["2"]}
    words = [word for name, values in given.items() if name not in options for word in (name, *values)]
    prepare.main(["--corpus", str(corpus), "--out", str(out), *words, *options])
    return {path.name: DataDir(path) for path in sorted(out.iterdir())}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "LibriSpeech")


def test_sets_are_the_corpus_subsets(corpus, tmp_path):
    sets = make(corpus, tmp_path)
    readers = {name: sorted(set(data.utt2spk.values())) for name, data in sets.items()}
    assert readers == {"train": ["1", "11", "12", "2"], "dev": ["21", "22"], "test_clean": ["31", "32"], "test_other": ["41", "42"]}
    assert sets["train"].text["11-77-0001"] == "reader 11 says this"
    assert Path(sets["train"].wav_scp["11-77-0001"]) == corpus / "train-clean-360/11/77/11-77-0001.flac"
    assert sorted(set(make(corpus, tmp_path, "--train_subsets", "train-clean-360")["train"].utt2spk.values())) == ["11", "12"]


def test_excerpts_keep_their_readers_apart(tmp_path):
    sets = make(write_excerpts(tmp_path / "excerpts"), tmp_path / "data")
    readers = {name: set(data.utt2spk.values()) for name, data in sets.items()}
    assert set(readers) == {"train", "dev", "test_other"}
    assert readers["test_other"] == {"100", "101"} and len(readers["dev"]) == 2
    assert not readers["train"] & readers["dev"] and readers["train"] | readers["dev"] == set("12345678")
    assert sets["test_other"].text["100-5-0000"] == 'he said, "yes."'


def test_what_is_missing_is_named(corpus, tmp_path):
    with pytest.raises(InputError, match=r"LIBRISPEECH in db\.sh"):
        make(tmp_path / "none", tmp_path / "data")
    with pytest.raises(InputError, match=r"train-other-500: no such subset; unpack train-other-500\.tar\.gz"):
        make(corpus, tmp_path / "data", "--train_subsets", "train-other-500")
    with pytest.raises(InputError, match="of 8 readers some"):
        make(write_excerpts(tmp_path / "excerpts"), tmp_path / "data", "--n_dev", "8")
    copy = shutil.copytree(corpus, tmp_path / "copy")
    chapter = copy / "train-clean-100/1/77"
    (chapter / "1-77-0001.flac").rename(chapter / "1-77-0002.flac")
    with pytest.raises(InputError, match=r"1-77\.trans\.txt: no 1-77-0001\.flac beside it"):
        make(copy, tmp_path / "data")
    (chapter / "1-77-0002.flac").rename(chapter / "1-77-0001.flac")
    write_recording(chapter / "1-77-0009.flac", 0)
    with pytest.raises(InputError, match="no line for 1-77-0009"):
        make(copy, tmp_path / "data")
    (chapter / "1-77.trans.txt").unlink()
    with pytest.raises(InputError, match=r"1-77\.trans\.txt: no transcripts"):
        make(copy, tmp_path / "data")
    (tmp_path / "excerpts/manifest.tsv").write_text("id\tfile\n1\t2\n")
    with pytest.raises(InputError, match="needs the columns id, path"):
        make(tmp_path / "excerpts", tmp_path / "data")


@pytest.fixture
def recipe(tmp_path) -> Path:
    """A copy of the recipe whose environment is that of the tests, with a curl that fetches from archives/."""
    folder = tmp_path / "egs/librispeech/slm1"
    folder.parent.mkdir(parents=True)
    shutil.copytree(RECIPE, folder, symlinks=True, ignore=shutil.ignore_patterns("data", "downloads", "dump", "exp"))
    shutil.copytree(ROOT / "utils", tmp_path / "utils")
    for name in ("egs/TEMPLATE", "lmspt"):
        (tmp_path / name).symlink_to(ROOT / name)
    script(tmp_path / "tools/setup.sh", f"echo {Path(sys.executable).parents[1]}")
    script(tmp_path / "bin/curl", f'for url; do :; done; cp {tmp_path}/archives/"${{url##*/}}" downloads/"${{url##*/}}".part')
    return folder


def script(path: Path, line: str) -> None:
    path.parent.mkdir()
    path.write_text(f"#!/usr/bin/env bash\n{line}\n")
    path.chmod(0o755)


def run(recipe: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": f"{recipe.parents[2]}/bin:{os.environ['PATH']}", **variables}
    return subprocess.run(command, cwd=recipe, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_stages_1_and_2(recipe, corpus):
    done = run(recipe, "./run.sh", "--stop_stage", "2", "--nj", "2", "--local_data_opts",
               "--phones false --train_subsets 'train-clean-100 train-clean-360'", LIBRISPEECH=str(corpus))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for name, n_utts in (("train", 8), ("dev", 4), ("test_clean", 4), ("test_other", 4)):
        data = DataDir(recipe / "dump/raw" / name)
        assert len(data.utts) == n_utts and set(data.num_samples.values()) == {8000}


def test_excerpts_are_known_by_their_layout(recipe, tmp_path):
    excerpts = write_excerpts(tmp_path / "excerpts")
    command = ("./run.sh", "--stop_stage", "1", "--local_data_opts")
    done = run(recipe, *command, "--n_dev 2 --phones false", LIBRISPEECH=str(excerpts))
    assert done.returncode == 0, done.stdout + done.stderr
    assert sorted(path.name for path in (recipe / "data").iterdir() if path.name != ".done") == ["dev", "test_other", "train"]


def test_test_sets_get_their_phones(recipe, tmp_path):
    pytest.importorskip("pocketsphinx", reason="no wheel for this Python")
    excerpts = write_excerpts(tmp_path / "excerpts")
    shutil.copy(ROOT / "tests/tokenizer/speech.flac", excerpts / "flac/100-5-0000.flac")
    manifest = excerpts / "manifest.tsv"
    manifest.write_text(manifest.read_text().replace('He said, "Yes."', "there's iron they"))
    done = run(recipe, "local/data.sh", "--n_dev", "2", LIBRISPEECH=str(excerpts))
    assert done.returncode == 0, done.stdout + done.stderr
    assert [str(path.relative_to(recipe)) for path in recipe.glob("data/*/ctm")] == ["data/test_other/ctm"]
    assert (recipe / "data/test_other/ctm").read_text().startswith("100-5-0000 1 0.12 0.06 DH\n")


def test_archives_are_checked_and_unpacked_once(recipe, corpus, tmp_path):
    sums = []
    (tmp_path / "archives").mkdir()
    for subset in SUBSETS:
        archive = tmp_path / "archives" / f"{subset}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(corpus / subset, arcname=f"LibriSpeech/{subset}")
        sums.append(f"{hashlib.sha256(archive.read_bytes()).hexdigest()}  {archive.name}\n")
    (recipe / "local/SHA256SUMS").write_text("".join(sums))
    command = ("local/data.sh", "--phones", "false", "--train_subsets", "train-clean-100 train-clean-360")
    done = run(recipe, *command)
    assert done.returncode == 0, done.stderr
    assert len(DataDir(recipe / "data/train").utts) == 8
    shutil.rmtree(tmp_path / "archives")
    assert run(recipe, *command).returncode == 0, "fetched again"

    shutil.rmtree(recipe / "downloads/LibriSpeech/test-other")
    (tmp_path / "archives").mkdir()
    (tmp_path / "archives/test-other.tar.gz").write_bytes(b"something else")
    done = run(recipe, *command)
    assert done.returncode == 1 and "test-other.tar.gz is not the published one: remove it" in done.stderr
    assert not (recipe / "downloads/LibriSpeech/test-other").exists()


def test_published_checksums_are_there():
    lines = (RECIPE / "local/SHA256SUMS").read_text().splitlines()
    assert {line.split()[1] for line in lines} >= {f"{name}.tar.gz" for name in (*SUBSETS, "train-other-500")}
    assert all(len(line.split()[0]) == 64 for line in lines)
