"""Sets from a corpus: what is left out is told, whatever its name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lmspt.data.corpus import Entry, read_corpus
from lmspt.data.datadir import DataDir
from lmspt.data.prepare import write_sets
from lmspt.data.split import split
from lmspt.errors import InputError
from tests.data.folders import sound_dir, write_lines


def test_a_name_that_is_not_utf8_is_left_out_by_name(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.wav")
    entry = Entry("a-1", "a", "one", "a.wav", "a-1")
    write_sets(tmp_path, {"train": [entry]}, {name: f"no {name}"})
    assert (tmp_path / "dropped.tsv").read_text(encoding="utf-8") == "name\treason\ncaf\\udce9.wav\tno caf\\udce9.wav\n"


def test_nothing_of_an_earlier_corpus_is_left(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name in ("segments", "spk2utt", "channel", "joins", "ctm"):
        (tmp_path / "train" / name).write_text("of another")
    write_sets(tmp_path, {"train": [Entry("a-1", "a", "one", "a.wav", "a-1")]}, {})
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == ["text", "utt2spk", "wav.scp"]


def test_what_kaldi_directories_say_beside_their_tables(tmp_path: Path) -> None:
    for name in ("train", "dev", "test"):
        folder = sound_dir(tmp_path / name)
        for table in ("text", "utt2spk"):
            write_lines(folder / table, *(f"{name}-{line}" for line in (folder / table).read_text(encoding="utf-8").splitlines()))
        write_lines(folder / "wav.scp", f"rec {folder}/audio/a-1.wav")
        write_lines(folder / "segments", *(f"{name}-{utt} rec 0 0.1" for utt in ("a-1", "a-2", "b-1")))
        write_lines(folder / "channel", "1")
        write_lines(folder / "ctm", ";; by hand", f"{name}-a-1 1 0.00 0.05 one", f"{name}-a-1 1 0.05 0.05 two")
    (tmp_path / "dev").rename(tmp_path / "val")  # both are parts of dev
    other = sound_dir(tmp_path / "valid")
    write_lines(other / "channel", "1")
    write_lines(other / "wav.scp", "rec " + str(other / "audio/b-1.wav"))
    write_lines(other / "segments", *(f"{utt} rec 0 0.1" for utt in ("a-1", "a-2", "b-1")))
    write_lines(tmp_path / "val/wav.scp", f"rec {tmp_path}/val/audio/a-1.wav")
    sets = split(read_corpus(tmp_path).entries, 1, 1)
    write_sets(tmp_path / "data", sets, {})
    dev = DataDir(tmp_path / "data/dev")
    assert dev.channel == 1
    heard = {utt: dev.wav_scp[dev.segments[utt].recording] for utt in ("a-1", "dev-a-1")}
    assert heard == {"a-1": f"{tmp_path}/valid/audio/b-1.wav", "dev-a-1": f"{tmp_path}/val/audio/a-1.wav"}
    assert (dev.folder / "ctm").read_text(encoding="utf-8") == "dev-a-1 1 0.00 0.05 one\ndev-a-1 1 0.05 0.05 two\n"
    write_lines(other / "channel", "0")
    with pytest.raises(InputError, match="dev: is made of directories that say channel 0 and channel 1"):
        write_sets(tmp_path / "data", split(read_corpus(tmp_path).entries, 1, 1), {})
