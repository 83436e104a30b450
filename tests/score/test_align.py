"""Phones by forced alignment, of a second of read speech."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from lmspt.bin.align import main
from lmspt.data.datadir import DataDir
from lmspt.errors import InputError
from lmspt.score.align import Aligner, align, words_of
from lmspt.score.labels import read_ctm
from tests.data.folders import write_tables

SPEECH = Path(__file__).parents[1] / "tokenizer/speech.flac"  # "there's iron they", from 0.1 s on
PHONES = ["DH", "EH", "R", "Z", "AY", "ER", "N", "DH", "EY"]


def speech_dir(folder: Path, **texts: str) -> DataDir:
    """Utterances of the same recording, with these texts."""
    return DataDir(
        write_tables(folder, {"wav.scp": dict.fromkeys(texts, SPEECH), "text": texts, "utt2spk": dict.fromkeys(texts, "1688")})
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [("There's iron, they say.", ["there's", "iron", "they", "say"]), ("a well-known - 3", ["a", "well", "known", "3"]), ("?", [])],
)
def test_words(text: str, words: list[str]) -> None:
    assert words_of(text) == words


def test_without_pocketsphinx(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(InputError, match="pip install --no-deps pocketsphinx=="):
        Aligner()


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    """With the package, which has no wheels for some Pythons."""
    pytest.importorskip("pocketsphinx", reason="no wheel for this Python")
    return Aligner()


def test_phones(aligner: Aligner, tmp_path: Path) -> None:
    found = align(speech_dir(tmp_path, a="There's iron, they", b="there's merneptah", c="they 3"), aligner)
    assert (found.unknown, found.failed) == ({"b": ["merneptah"], "c": ["3"]}, [])
    (phones,) = found.phones.values()
    assert [phone.name for phone in phones] == PHONES
    assert 0.05 < phones[0].begin < 0.15, "the speaker begins at about 0.1 s"
    assert 0.3 < phones[4].begin < 0.45 and phones[4].duration > 0.1, "of iron"


def test_what_is_not_said(aligner: Aligner, tmp_path: Path) -> None:
    found = align(speech_dir(tmp_path, a="there's iron they say in all our blood and a grain or two perhaps is good"), aligner)
    assert (found.phones, found.failed) == ({}, ["a"])


def test_a_segment(aligner: Aligner, tmp_path: Path) -> None:
    folder = speech_dir(tmp_path, a="there's iron").folder
    (folder / "segments").write_text("a recording 0.05 0.74\n")
    (folder / "wav.scp").write_text(f"recording {SPEECH}\n")
    (phones,) = align(DataDir(folder), aligner).phones.values()
    assert [phone.name for phone in phones] == PHONES[:7]


def test_command(aligner: Aligner, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = speech_dir(tmp_path / "data", a="there's iron they", b="zarathustra").folder
    main([str(folder)])
    assert "9 phones of 1 of 2 utterances" in (said := capsys.readouterr().out) and "lacks (zarathustra)" in said
    assert [stretch.label for stretch in read_ctm(folder / "ctm")["a"]] == PHONES
    shutil.copy(folder / "text", folder / "text.old")
    (folder / "text").write_text("a où\nb ça\n")
    with pytest.raises(InputError, match="are its texts English"):
        main([str(folder)])
