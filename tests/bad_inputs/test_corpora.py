"""Bad corpora through the command that imports them: status 1, the file and line or the name, what to do, and nothing written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from tests.data.folders import noise, sound_dir, write_lines

Spoil = Callable[[Path], object]
TABLE = ["path,text,speaker", "a.wav,one,ann", "b.wav,two,ann", "c.wav,three,ann"]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """Three recordings and a table, nothing wrong."""
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name in ("a", "b", "c"):
        soundfile.write(folder / f"{name}.wav", noise(0.1), 16000)
    write_lines(folder / "t.csv", *TABLE)
    return folder


def table(*lines: str) -> Spoil:
    return lambda folder: write_lines(folder / "t.csv", *lines)


def raw(content: bytes) -> Spoil:
    return lambda folder: (folder / "t.csv").write_bytes(content)


def no_table(folder: Path) -> None:
    (folder / "t.csv").unlink()


def empty_text(folder: Path) -> None:
    no_table(folder)
    for name in ("a", "b", "c"):
        (folder / f"{name}.txt").write_text("" if name == "b" else "x")


def two_places(folder: Path) -> None:
    for name in ("1", "2"):
        (folder / name).mkdir()
        soundfile.write(folder / name / "d.wav", noise(0.1), 16000)
    write_lines(folder / "t.csv", *TABLE, "d.wav,four,ann")


def two_tables(folder: Path) -> None:
    write_lines(folder / "u.tsv", "path\ttext", "a.wav\tone")


def broken_kaldi(folder: Path) -> None:
    no_table(folder)
    sound_dir(folder / "train")
    write_lines(folder / "train" / "text", "a-1 x", "a-2 y")


def line_break(folder: Path) -> None:
    soundfile.write(folder / "d\ne.wav", noise(0.1), 16000, format="WAV")
    (folder / "d\ne.txt").write_text("x")
    empty_text(folder)
    (folder / "b.txt").write_text("x")


LONG = "x" * 300
BAD = [
    ("no header", table("a.wav,one", "b.wav,two"), "t.csv:1: no column for the text, which is called e.g. "),
    ("no audio column", table("clip of,text", "a.wav,one"), "t.csv:1: no column for the audio"),
    ("no delimiter", table("a.wav one"), "t.csv: its first line has none of '|', tab, ';' and ','"),
    ("header alone", table(TABLE[0]), "t.csv: has no line below its header"),
    ("empty table", raw(b""), "t.csv: its first line has none of"),
    ("comma in a text", table(*TABLE, "a.wav,one, two,ann"), "t.csv:5: 4 columns, not 3 as in line 1; is a ',' in a text?"),
    ("open quote", table(*TABLE, 'a.wav,"one,ann'), "t.csv:5: "),
    ("latin-1 table", raw("path,text\na.wav,où\n".encode("latin-1")), "t.csv:2: not UTF-8; convert the file: iconv -f"),
    ("UTF-16 table", raw("path,text\na.wav,x\n".encode("utf-16")), "t.csv:1: not UTF-8 (it looks like UTF-16)"),
    ("zero byte", raw(b"path,text\na.wav,\0\n"), "t.csv: holds a zero byte"),
    ("column twice", table("path,text,text", "a.wav,b,c"), "t.csv:1: column 'text' is there twice"),
    ("missing audio", table(*TABLE, "d.wav,four,ann"), "t.csv:5: no audio 'd.wav' below"),
    ("path outside", table(*TABLE, "../../../../etc/shadow,x,ann"), "t.csv:5: no audio '../../../../etc/shadow' below"),
    ("two files of a name", two_places, "t.csv:5: audio 'd.wav' may be"),
    ("no text in a line", table(*TABLE[:3], "c.wav, ,ann"), "t.csv:4: no text"),
    ("id twice", table(*TABLE, "a.wav,again,ann"), "t.csv:5: its id 'ann-a' is that of another"),
    ("id of dots", table("id,path,text", "...,a.wav,x"), "t.csv:2: '...' is no name for an utterance or a speaker"),
    ("speaker is a dot", table("path,text,speaker", "a.wav,x,."), "t.csv:2: '.' is no name for an utterance or a speaker"),
    ("backward part", table("path,start,end,text", "a.wav,2,1,x"), "t.csv:2: begin '2' and end '1' are not seconds"),
    ("half a part", table("path,start,end,text", "a.wav,2,,x"), "t.csv:2: begin '2' and end '' are not seconds"),
    ("endless part", table("path,start,end,text", "a.wav,0,inf,x"), "t.csv:2: begin '0' and end 'inf' are not seconds"),
    ("two tables", two_tables, "which table has the texts, t.csv or u.tsv? Say so: --metadata"),
    ("no texts", no_table, "a.wav: no a.txt; write it, or a table of all texts"),
    ("empty text", empty_text, "b.wav: "),
    ("line break in a name", line_break, "wav.scp cannot hold this path"),
    ("two utterances", table(*TABLE[:3]), "none is left for train when dev has its own"),
    ("sets without train", table("path,text,split", "a.wav,x,dev", "b.wav,y,test"), "the corpus has the sets dev, test, no train"),
    ("unsound Kaldi directory", broken_kaldi, "/train/text: no 'b-1', which utt2spk has"),
    ("long missing name", table(*TABLE, f"{LONG},x,ann"), f"t.csv:5: no audio '{LONG}' below"),
]


@pytest.mark.parametrize(("spoil", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_corpora(refused: Callable[..., str], corpus: Path, spoil: Spoil, message: str) -> None:
    spoil(corpus)
    said = refused("prepare_data", "--corpus", corpus, "--out", corpus.parent / "data")
    assert message in said
    assert str(corpus) in said or "none is left" in said or "no train" in said
    assert not (corpus.parent / "data").exists()


OPTIONS = [
    (["--columns", "text"], "--columns: 'text' is not NAME=COLUMN"),
    (["--columns", "txt=text"], "--columns: 'txt' is none of audio, text, speaker"),
    (["--columns", "text=sentense"], "t.csv:1: no column 'sentense'; there are: path, text, speaker"),
    (["--columns", "text=tekst"], "t.csv:1: no column 'tekst'; did you mean 'text'?"),
    (["--speaker", "ann"], "--speaker 'ann': has no group"),
    (["--speaker", "(ann"], "--speaker '(ann': missing ), unterminated subpattern"),
    (["--split_by", "sentence"], "--split_by sentence: not one of auto, speaker, utterance"),
    (["--dev", "0"], "--dev 0: give a share below 1, or a number of utterances"),
    (["--test", "-3"], "--test -3: give a share below 1"),
    (["--metadata", "/no/such.csv"], "/no/such.csv: no such table"),
]


@pytest.mark.parametrize(("options", "message"), OPTIONS, ids=[" ".join(row[0]) for row in OPTIONS])
def test_options(refused: Callable[..., str], corpus: Path, options: list[str], message: str) -> None:
    assert message in refused("prepare_data", "--corpus", corpus, "--out", corpus.parent / "data", *options)


def test_what_can_be_an_id_is_made_one(corpus: Path) -> None:
    from lmspt.bin.prepare_data import main
    from lmspt.data.validate import validate

    names = ["a b", "../x", 'quote"d', "$(touch y)", "é" * 150, "c\td"]
    write_lines(corpus / "t.tsv", "id\tpath\ttext", *(f"{name.replace(chr(9), ' ')}\ta.wav\tx" for name in names))
    (corpus / "t.csv").unlink()
    main(["--corpus", str(corpus), "--out", str(corpus.parent / "data"), "--split_by", "utterance"])
    utts = [utt for name in ("train", "dev", "test") for utt in validate(corpus.parent / "data" / name).data.utts]
    assert {"a_b", "_x", 'quote"d', "$(touch_y)", "c_d"} < set(utts)
    assert sorted(len(utt.encode()) for utt in utts)[-1] <= 200
    assert not (corpus / "y").exists()
