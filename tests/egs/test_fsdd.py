"""Connected digits: sets that share no take, strings that share no set, exact texts."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import soundfile

from lmspt.data.datadir import DataDir
from lmspt.errors import InputError
from tests.utils.shell import ROOT

SPEAKERS = ("ann", "bob", "cid")


def load_prepare():
    spec = importlib.util.spec_from_file_location("fsdd_prepare", ROOT / "egs/fsdd/slm1/local/prepare.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


prepare = load_prepare()


@pytest.fixture(scope="module")
def recordings(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("fsdd")
    for speaker in SPEAKERS:
        for digit in range(10):
            for take in range(50):
                soundfile.write(folder / f"{digit}_{speaker}_{take}.wav", np.full(80, 0.1, np.float32), 8000)
    return folder


def make(recordings: Path, out: Path, *options: str) -> dict[str, DataDir]:
    sizes = ["--n_train", "200", "--n_dev", "20", "--n_test", "30"]
    prepare.main(["--recordings", str(recordings), "--out", str(out), *sizes, *options])
    return {name: DataDir(out / name) for name in ("train", "dev", "test")}


@pytest.fixture(scope="module")
def sets(recordings, tmp_path_factory) -> dict[str, DataDir]:
    return make(recordings, tmp_path_factory.mktemp("data"))


def takes(data: DataDir) -> set[str]:
    return {name for utt in data.utts for name in data.recordings_of(utt)}


def test_takes_as_the_corpus_prescribes(sets):
    numbers = {name: {int(take.split("-")[2]) for take in takes(data)} for name, data in sets.items()}
    assert numbers["test"] == set(range(5)) and numbers["dev"] == set(range(5, 10)) and numbers["train"] == set(range(10, 50))


def test_texts_are_what_the_takes_say(sets):
    for data in sets.values():
        for utt in data.utts:
            said = [prepare.FIGURES[int(name.split("-")[1])] for name in data.recordings_of(utt)]
            assert data.text[utt].split() == said and 3 <= len(said) <= 6
            assert {name.split("-")[0] for name in data.recordings_of(utt)} == {data.utt2spk[utt]} == {utt.split("-")[0]}


def test_no_string_of_dev_or_test_is_trained_on(sets):
    assert not set(sets["train"].text.values()) & {*sets["dev"].text.values(), *sets["test"].text.values()}


def test_sizes_and_speakers(sets):
    assert [len(sets[name].utts) for name in ("train", "dev", "test")] == [200, 20, 30]
    assert all(set(data.utt2spk.values()) == set(SPEAKERS) for data in sets.values())


def test_drawn_the_same_again(recordings, sets, tmp_path):
    again = make(recordings, tmp_path)
    assert all(again[name].joins == data.joins for name, data in sets.items())


def test_fewer_strings_to_train_on_leave_dev_and_test_alone(recordings, sets, tmp_path):
    fewer = make(recordings, tmp_path, "--n_train", "50")
    assert all(fewer[name].joins == sets[name].joins for name in ("dev", "test"))
    assert len(fewer["train"].utts) == 50


def test_heldout_speaker(recordings, tmp_path):
    sets = make(recordings, tmp_path, "--heldout_speaker", "bob")
    assert set(sets["test"].utt2spk.values()) == {"bob"}
    assert set(sets["train"].utt2spk.values()) == set(sets["dev"].utt2spk.values()) == {"ann", "cid"}


def test_bad_folders(recordings, tmp_path):
    with pytest.raises(InputError, match=r"FSDD in db\.sh"):
        make(tmp_path / "none", tmp_path)
    with pytest.raises(InputError, match="is this the corpus"):
        make(tmp_path, tmp_path / "out")
    with pytest.raises(InputError, match="not one of ann, bob, cid"):
        make(recordings, tmp_path, "--heldout_speaker", "eve")
