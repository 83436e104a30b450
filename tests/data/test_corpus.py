"""Corpora as others lay them out: found whole, or each utterance that cannot be used named with its reason."""

from __future__ import annotations

from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from lmspt.data.corpus import Entry, as_key, read_corpus
from lmspt.data.scp import is_key
from lmspt.errors import InputError
from tests.data.folders import noise, sound_dir, write_lines


def wav(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, noise(0.1), 16000, format="WAV")
    return path


def said(corpus: Path, **options: object) -> dict[str, str]:
    """Texts by utterance of a corpus without anything bad."""
    found = read_corpus(corpus, **options)
    assert found.bad == {}
    return {entry.utt: entry.text for entry in found.entries}


def test_texts_beside_the_audio(tmp_path: Path) -> None:
    for name, text in (("b", "two\n words "), ("a", "où"), ("x y", "ein Wort")):
        wav(tmp_path / "wavs" / f"{name}.wav")
        (tmp_path / "wavs" / f"{name}.txt").write_text(text, encoding="utf-8-sig")
    (tmp_path / "README.txt").write_text("about")
    assert said(tmp_path) == {"a": "où", "b": "two words", "x_y": "ein Wort"}
    assert read_corpus(tmp_path).unused == {"README.txt": "a text without audio"}


def test_texts_in_a_tree_of_their_own(tmp_path: Path) -> None:
    for speaker in ("ann", "bob"):
        wav(tmp_path / "flac" / speaker / f"{speaker}_1.wav")
        (tmp_path / "txt").mkdir(exist_ok=True)
        (tmp_path / "txt" / f"{speaker}_1.txt").write_text("x")
    entries = read_corpus(tmp_path, speaker="folder").entries
    assert [(entry.utt, entry.speaker) for entry in entries] == [("ann_1", "ann"), ("bob_1", "bob")]


def test_the_same_name_in_two_folders(tmp_path: Path) -> None:
    for speaker in ("ann", "bob"):
        wav(tmp_path / speaker / "1.wav").with_suffix(".txt").write_text(speaker)
    assert said(tmp_path) == {"ann_1": "ann", "bob_1": "bob"}
    assert said(tmp_path, speaker=r"^(\w+)/") == {"ann_1": "ann", "bob_1": "bob"}


def test_nothing_of_another_folder_is_paired(tmp_path: Path) -> None:
    """A file that is missing is not replaced by one of its name elsewhere, nor a text by that of another recording."""
    wav(tmp_path / "ann" / "1.wav").with_suffix(".txt").write_text("ann's")
    wav(tmp_path / "bob" / "1.wav")
    assert read_corpus(tmp_path).bad == {"bob/1.wav": "no 1.txt; write it, or a table of all texts"}
    (tmp_path / "bob" / "1.wav").unlink()
    write_lines(tmp_path / "meta.csv", "path,text", "bob/1.wav,bob's", "elsewhere/bob/1.wav,bob's", "elsewhere/ann/1.wav,hers")
    read = read_corpus(tmp_path)
    assert [entry.text for entry in read.entries] == ["hers"]
    assert all("no audio" in why for why in read.bad.values())
    assert len(read.bad) == 2


def test_a_table(tmp_path: Path) -> None:
    first, second = wav(tmp_path / "clips" / "a.wav"), wav(tmp_path / "clips" / "b.c.wav")
    write_lines(tmp_path / "meta.csv", "path,text,speaker,split", "a.wav,one,ann,train", "clips/b.c.wav,two,bob,test")
    assert read_corpus(tmp_path).entries == [
        Entry("ann-a", "ann", "one", str(first), "ann-a", set="train"),
        Entry("bob-b.c", "bob", "two", str(second), "bob-b.c", set="test"),
    ]


def test_ljspeech(tmp_path: Path) -> None:
    wav(tmp_path / "wavs" / "LJ001-0001.wav")
    write_lines(tmp_path / "metadata.csv", 'LJ001-0001|"Printing, 1|"Printing, one')
    assert said(tmp_path) == {"LJ001-0001": '"Printing, one'}


def test_parts_of_recordings(tmp_path: Path) -> None:
    path = wav(tmp_path / "talk.wav")
    write_lines(tmp_path / "t.tsv", "file\tstart\tend\ttext", "talk.wav\t0\t0.05\tone", "talk.wav\t0.05\t0.1\ttwo")
    one, two = read_corpus(tmp_path).entries
    assert (one.utt, one.times, one.source) == ("talk-0.000_0.050", "0.000 0.050", str(path))
    assert one.recording == two.recording not in (one.utt, two.utt)


def test_kaldi_directories(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "recipe" / "data" / "train")
    write_lines(folder / "wav.scp", "a-1 cat x.wav |", "a-2 data/train/audio/a-2.wav", f"b-1 {folder}/audio/b-1.wav")
    entries = read_corpus(folder.parent).entries
    assert [entry.source for entry in entries] == ["cat x.wav |", *(f"{folder}/audio/{name}.wav" for name in ("a-2", "b-1"))]
    assert [(entry.utt, entry.speaker, entry.text, entry.set) for entry in entries][1:] == [
        ("a-2", "a", "two words", "train"),
        ("b-1", "b", "où ça", "train"),
    ]
    assert {entry.set for entry in read_corpus(folder).entries} == {""}


BAD = [
    ("nothing.wav,x", "no audio 'nothing.wav' below"),
    ("../../etc/passwd,x", "no audio '../../etc/passwd' below"),
    ("twice.wav,x", "audio 'twice.wav' may be"),
    ("a.wav,", "no text"),
    ("pipe.wav|,x", "wav.scp cannot hold this path"),
]


@pytest.mark.parametrize(("line", "why"), BAD)
def test_lines_that_cannot_be_used(tmp_path: Path, line: str, why: str) -> None:
    for name in ("a.wav", "b.wav", "1/twice.wav", "2/twice.wav", "pipe.wav|"):
        wav(tmp_path / name)
    write_lines(tmp_path / "t.csv", "path,text", "b.wav,good", line)
    found = read_corpus(tmp_path)
    assert [entry.utt for entry in found.entries] == ["b"]
    ((place, reason),) = found.bad.items()
    assert place == f"{tmp_path}/t.csv:3"
    assert why in reason


def test_two_of_one_name(tmp_path: Path) -> None:
    wav(tmp_path / "a b.wav")
    wav(tmp_path / "a_b.wav")
    write_lines(tmp_path / "t.csv", "path,text", "a b.wav,one", "a_b.wav,two")
    ((place, why),) = read_corpus(tmp_path).bad.items()
    assert place.endswith(":3")
    assert "its id 'a_b' is that of another" in why


def test_names_that_a_table_cannot_hold(tmp_path: Path) -> None:
    for name in ("line\nbreak.wav", "tail .wav |.wav"):
        wav(tmp_path / name).with_suffix(".txt").write_text("x")
    found = read_corpus(tmp_path)
    assert [entry.utt for entry in found.entries] == ["tail_.wav_|"]
    ((name, why),) = found.bad.items()
    assert name == "line\nbreak.wav"
    assert "'line\\nbreak.wav'" in why.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["a.csv", "b.tsv"], {}, "which table has the texts, a.csv or b.tsv"),
        ([], {}, "no utterance; is it the corpus"),
        ([], {"speaker": "(["}, "--speaker '\\(\\['"),
        ([], {"speaker": "ann"}, "--speaker 'ann': has no group"),
    ],
)
def test_what_is_no_corpus(tmp_path: Path, names: list[str], options: dict[str, str], message: str) -> None:
    for name in names:
        write_lines(tmp_path / name, "path,text", "a,b")
    with pytest.raises(InputError, match=message):
        read_corpus(tmp_path, **options)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder; name the corpus in"):
        read_corpus(tmp_path / "none")


@given(st.text(max_size=300))
def test_any_name_is_a_key_or_an_error(name: str) -> None:
    try:
        key = as_key(name)
    except InputError:
        assert not any(character.isalnum() for character in name)
    else:
        assert is_key(key)
        assert as_key(key) == key


def test_no_name_is_that_of_a_variant() -> None:
    assert (as_key("take#2"), as_key("take#two"), as_key("#2 of 3")) == ("take_2", "take#two", "#2_of_3")


def test_long_names_stay_apart() -> None:
    assert as_key("é" * 250 + "1") != as_key("é" * 250 + "2")
    assert as_key("../a b/\n..c") == "_a_b_..c"


def test_two_kaldi_folders_with_one_utterance(tmp_path: Path) -> None:
    for name in ("dev", "valid"):
        sound_dir(tmp_path / name)
    found = read_corpus(tmp_path)
    assert [(entry.utt, entry.set) for entry in found.entries] == [("a-1", "dev"), ("a-2", "dev"), ("b-1", "dev")]
    assert list(found.bad) == ["valid/a-1", "valid/a-2", "valid/b-1"]
    assert "its id 'b-1' is that of another" in found.bad["valid/b-1"]


def test_links_to_folders_are_followed_once(tmp_path: Path) -> None:
    wav(tmp_path / "elsewhere/a.wav").with_suffix(".txt").write_text("words")
    (tmp_path / "corpus").mkdir()
    (tmp_path / "corpus/wavs").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere/round").symlink_to(tmp_path / "corpus")
    assert said(tmp_path / "corpus") == {"a": "words"}


def test_signs_are_no_text(tmp_path: Path) -> None:
    for name, text in (("a", "..."), ("b", "¿?"), ("c", "5"), ("d", "где")):
        wav(tmp_path / f"{name}.wav").with_suffix(".txt").write_text(text)
    found = read_corpus(tmp_path)
    assert [entry.text for entry in found.entries] == ["5", "где"]
    assert list(found.bad) == ["a.wav", "b.wav"] and found.bad["a.wav"].endswith("a.txt: has no word, but '...'")


def test_a_table_by_its_name_in_the_corpus(tmp_path: Path) -> None:
    wav(tmp_path / "clips/a.wav")
    for name in ("train", "validated"):
        write_lines(tmp_path / f"{name}.tsv", "path\ttext", f"clips/a.wav\t{name}")
    assert said(tmp_path, metadata=Path("validated.tsv")) == {"a": "validated"}
