"""What is said when."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lmspt.data.audio import write_wav
from lmspt.data.datadir import DataDir
from lmspt.data.scp import write_scp
from lmspt.errors import InputError
from lmspt.score.labels import Stretch, codes_of, frame_labels, labels_of_joins, read_ctm

ONE = [Stretch(0.1, 0.5, "one", "a"), Stretch(0.5, 0.9, "two", "b")]


@pytest.fixture
def data(tmp_path: Path) -> DataDir:
    """Two utterances of joined words, 0.5 and 0.25 s long, and one whose words are not its recordings."""
    for name, samples in (("one", 8000), ("two", 4000)):
        write_wav(tmp_path / f"{name}.wav", np.zeros(samples, np.float32), 16000)
    write_scp(tmp_path / "wav.scp", {name: tmp_path / f"{name}.wav" for name in ("one", "two")})
    write_scp(tmp_path / "joins", {"u1": "one 0.2 two", "u2": "two", "u3": "one"})
    write_scp(tmp_path / "text", {"u1": "one two", "u2": "two", "u3": "number one"})
    write_scp(tmp_path / "utt2spk", dict.fromkeys(("u1", "u2", "u3"), "s"))
    return DataDir(tmp_path)


def test_joins(data: DataDir) -> None:
    labels = labels_of_joins(data)
    assert set(labels) == {"u1", "u2"}
    assert labels["u1"][0] == Stretch(0.0, 0.5, "one", "one")
    assert (labels["u1"][1].begin, labels["u1"][1].end) == pytest.approx((0.7, 0.95))
    assert labels["u2"][0].source == labels["u1"][1].source == "two"


def test_frames_have_the_label_of_their_middle() -> None:
    # middles: 0.04, 0.12, 0.2 ... 0.44, 0.52 ... 0.84, 0.92, 1.0
    assert frame_labels(ONE, 13, 12.5).tolist() == ["", *["one"] * 5, *["two"] * 5, "", ""]
    assert frame_labels(ONE, 2, 1.0).tolist() == ["two", ""]


def test_codes_of_a_stretch() -> None:
    codes = np.arange(13)
    assert codes_of(ONE[0], codes, 12.5).tolist() == [1, 2, 3, 4, 5]
    assert codes_of(ONE[1], codes, 12.5).tolist() == [6, 7, 8, 9, 10]
    # never none, and never beyond the end
    assert codes_of(Stretch(0.1, 0.11, "x", "x"), codes, 12.5).tolist() == [1]
    assert codes_of(Stretch(2.0, 2.5, "x", "x"), codes, 12.5).tolist() == [12]


def test_ctm(tmp_path: Path) -> None:
    path = tmp_path / "ctm"
    path.write_text(";; by hand\nu 1 0 0.1 SIL\nu 1 0.1 0.4 one 0.97\nu 1 0.5 0.4 two\nv A 0 1 one\nw 1 0 1 sil\n")
    labels = read_ctm(path)
    assert set(labels) == {"u", "v"}
    assert [(s.begin, s.end, s.label) for s in labels["u"]] == [(0.1, 0.5, "one"), (0.5, 0.9, "two")]
    assert len({s.source for stretches in labels.values() for s in stretches}) == 3


@pytest.mark.parametrize(
    ("line", "why"), [("u 1 0.5 one", "'<utterance> <ch"), ("u 1 0.3 0.6 x", "follow each other"), ("u 1 1 0 x", "have a length")]
)
def test_ctms_that_cannot_be_read(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "ctm"
    path.write_text(f"u 1 0.1 0.4 one\n{line}\n")
    with pytest.raises(InputError, match=rf"ctm:2: .*{why}"):
        read_ctm(path)
    with pytest.raises(InputError, match="no such alignment"):
        read_ctm(tmp_path / "none")
