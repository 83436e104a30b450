"""Bad data directories through the commands that a user runs: status 1, and a message with file, place and mend."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.data.folders import noise, sound_dir, write_lines

Spoil = Callable[[Path], object]


def lines(name: str, *content: str) -> Spoil:
    return lambda folder: write_lines(folder / name, *content)


def content(name: str, data: bytes) -> Spoil:
    return lambda folder: (folder / name).write_bytes(data)


def audio(wav: np.ndarray, **options: str) -> Spoil:
    return lambda folder: soundfile.write(folder / "audio" / "a-2.wav", wav, 16000, **options)


def cut(folder: Path) -> None:
    path = folder / "audio" / "a-2.wav"
    path.write_bytes(path.read_bytes()[:5000])


def not_a_number() -> np.ndarray:
    wav = noise()
    wav[123] = np.nan
    return wav


SORTED = "sort it with LC_ALL=C sort, or run utils/fix_data_dir.sh"

# what is wrong, how it comes about, what validate_data says of it
FOUND_AT_ONCE = [
    ("no wav.scp", lambda folder: (folder / "wav.scp").unlink(), "/wav.scp: no such file; run the stage that writes it"),
    ("no text", lambda folder: (folder / "text").unlink(), "/text: no such file; run the stage that writes it"),
    ("empty text", content("text", b""), "/text: is empty; write it again"),
    ("latin-1", content("text", "a-1 x\na-2 x\nb-1 où\n".encode("latin-1")), "/text:3: not UTF-8; convert the file with iconv"),
    ("byte order mark", content("text", b"\xef\xbb\xbfa-1 x\na-2 x\nb-1 x\n"), "/text:1: a byte order mark; remove it: sed"),
    ("blank line", content("text", b"a-1 x\n\na-2 x\nb-1 x\n"), "/text:2: blank line; remove it"),
    ("duplicate id", lines("text", "a-1 x", "a-2 x", "a-2 y", "b-1 x"), "/text:3: 'a-2' is there twice; keep one of the lines"),
    ("no transcript", lines("text", "a-1 x", "a-2", "b-1 x"), "/text:2: 'a-2' stands alone; write its value"),
    ("missing transcript", lines("text", "a-1 x", "b-1 x"), "/text: no 'a-2', which utt2spk has; add it, or run utils/fix_"),
    ("unsorted", lines("text", "a-2 x", "a-1 x", "b-1 x"), f"/text:2: 'a-1' comes after 'a-2'; {SORTED}"),
    ("locale's order", lines("utt2spk", "a-1 a", "a-2 a", "b-1 b", "B a"), f"/utt2spk:4: 'B' comes after 'b-1'; {SORTED}"),
    ("id is a path", lines("utt2spk", "../a a", "a-1 a", "a-2 a", "b-1 b"), "/utt2spk:1: '../a' cannot be a key"),
    ("two speakers", lines("utt2spk", "a-1 a", "a-2 a b", "b-1 b"), "/utt2spk: 'a-2' has 'a b'; write one speaker"),
    ("stale spk2utt", lines("spk2utt", "a a-1 a-2 b-1"), "/spk2utt: 'b' has other utterances than in utt2spk; remove the file"),
    ("control character", lines("text", "a-1 x", "a-2 x\x1by", "b-1 x"), "/text: 'a-2' has U+001B"),
    ("no recording", lines("wav.scp", "a-1 audio/a-1.wav"), "/wav.scp: no 'a-2', which utterance 'a-2' needs; add it"),
    ("no such program", lines("wav.scp", "a-1 sphere2pipe x |", "a-2 x", "b-1 x"), "program 'sphere2pipe' is not installed"),
    ("segment of three", lines("segments", "a-1 a-2 0.1"), "/segments: 'a-1' has 'a-2 0.1'; write '<utterance> <recording> "),
    ("backward segment", lines("segments", "a-1 a-2 0.4 0.1"), "/segments: 'a-1' goes from 0.4 to 0.1 s; the end must come"),
    ("segment too long", lines("segments", "a-1 a-2 0 0.6"), "/segments: 'a-1' ends at 0.6 s, "),
    ("join of two", lines("joins", "a-1 a-2 0.1"), "/joins: 'a-1' has 'a-2 0.1'; write '<utterance> <recording> [<pause"),
    ("join of nothing", lines("joins", "a-1 a-2 0.1 c"), "/wav.scp: no 'c', which utterance 'a-1' needs"),
    ("missing audio", lambda folder: (folder / "audio/a-2.wav").unlink(), "/audio/a-2.wav: no such file; mend the path"),
    ("no path at all", lines("wav.scp", f"a-1 {'x/' * 3000}", "a-2 y", "b-1 z"), "/x/: no such file; mend the path"),
    ("a name too long", lines("wav.scp", f"a-1 {'x' * 300}.wav", "a-2 y", "b-1 z"), "xxx.wav: no such file; mend the path"),
    ("empty audio", content("audio/a-2.wav", b""), "/audio/a-2.wav: is an empty file; fetch it again"),
    ("not audio", content("audio/a-2.wav", b"<html>404</html>"), "/audio/a-2.wav: cannot be read as audio (Format not recog"),
    ("no samples", audio(noise(0.0)), "/audio/a-2.wav: holds no samples; leave it out"),
    ("stereo", audio(noise().reshape(-1, 2)), "/audio/a-2.wav: 2 channels; write which one (0: their mean) to"),
    ("no such channel", content("channel", b"2\n"), "/audio/a-1.wav: has no channel 2, there are 1; mend the data"),
    ("channel in words", content("channel", b"left"), "/channel: has 'left'; write the number of a channel, from 1 on"),
    ("truncated", cut, "/audio/a-2.wav: is cut short; fetch the file again"),
]

# what only reading the samples shows, at stage 2
FOUND_WHEN_READ = [
    ("NaN", audio(not_a_number(), subtype="FLOAT"), "/audio/a-2.wav: holds NaN or infinite samples; replace the file"),
    ("silent", audio(np.zeros(8000)), "/audio/a-2.wav is silent; remove it"),
    (
        "failing pipe",
        lines("wav.scp", "a-1 false |", "a-2 false |", "b-1 false |"),
        "a-1: 'false |': false failed (); try the command by hand",
    ),
]


WORDED_OTHERWISE = ("stale spk2utt", "control character", "segment too long")


def table(rows: list[tuple[str, Spoil, str]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("spoil", "message"), [row[1:] for row in rows], ids=[row[0] for row in rows])


@table(FOUND_AT_ONCE)
def test_validate(refused: Callable[..., str], tmp_path: Path, spoil: Spoil, message: str) -> None:
    folder = sound_dir(tmp_path / "data")
    spoil(folder)
    said = refused("validate_data", folder)
    assert message in said
    assert str(folder) in said


# stage 2 sorts by itself, makes spk2utt, looks at no letters, and has words of its own for a segment that is too long
FOUND_BY_FORMAT = [row for row in FOUND_AT_ONCE if "LC_ALL" not in row[2] and row[0] not in WORDED_OTHERWISE] + FOUND_WHEN_READ


@table(FOUND_BY_FORMAT)
def test_format(refused: Callable[..., str], tmp_path: Path, spoil: Spoil, message: str) -> None:
    """Whoever skips the check is stopped by stage 2 in the same words."""
    folder = sound_dir(tmp_path / "data")
    spoil(folder)
    assert message in refused("format_data", "--data", folder, "--out", tmp_path / "raw")
    assert not (tmp_path / "raw" / "wav.scp").exists()


@table([row for row in FOUND_AT_ONCE if row[0] in ("latin-1", "empty text", "byte order mark")])
def test_fix_leaves_what_it_cannot_mend(refused: Callable[..., str], tmp_path: Path, spoil: Spoil, message: str) -> None:
    folder = sound_dir(tmp_path / "data")
    spoil(folder)
    before = (folder / "text").read_bytes()
    assert message in refused("fix_data", folder)
    assert (folder / "text").read_bytes() == before


@pytest.mark.parametrize("command", [["validate_data"], ["fix_data"], ["format_data", "--out", "raw", "--data"]])
def test_no_such_directory(refused: Callable[..., str], tmp_path: Path, command: list[str]) -> None:
    assert (
        refused(*command, tmp_path / "nowhere")
        == f"error: {tmp_path}/nowhere: no such data directory; run the stage that writes it\n"
    )


def test_nothing_but_the_message_reaches_the_user(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "text", "a-1 x")
    done = subprocess.run([sys.executable, "-m", "lmspt.bin.validate_data", folder], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (1, "")
    first, *problems = done.stderr.splitlines()
    assert first == f"error: {folder}: 2 problems"
    assert len(problems) == 2
