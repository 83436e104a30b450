"""Sets from a corpus: what is left out is told, whatever its name."""

from __future__ import annotations

import os
from pathlib import Path

from lmspt.data.corpus import Entry
from lmspt.data.prepare import write_sets


def test_a_name_that_is_not_utf8_is_left_out_by_name(tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.wav")
    entry = Entry("a-1", "a", "one", "a.wav", "a-1")
    write_sets(tmp_path, {"train": [entry]}, {name: f"no {name}"})
    assert (tmp_path / "dropped.tsv").read_text(encoding="utf-8") == "name\treason\ncaf\\udce9.wav\tno caf\\udce9.wav\n"


def test_nothing_of_an_earlier_corpus_is_left(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    for name in ("segments", "spk2utt", "channel", "joins"):
        (tmp_path / "train" / name).write_text("of another")
    write_sets(tmp_path, {"train": [Entry("a-1", "a", "one", "a.wav", "a-1")]}, {})
    assert sorted(path.name for path in (tmp_path / "train").iterdir()) == ["text", "utt2spk", "wav.scp"]
