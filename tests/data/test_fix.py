"""Mending: whatever state the tables are in, what is left is sound, what went has its reason, what was is kept aside."""

from __future__ import annotations

from pathlib import Path
from random import Random

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from lmspt.data.fix import fix_data
from lmspt.data.scp import read_scp
from lmspt.data.validate import inspect
from lmspt.errors import InputError
from tests.data.folders import noise, sound_dir, write_lines


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_sound_directory_gets_its_spk2utt_and_nothing_else(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    before = contents(folder)
    fixed = fix_data(folder)
    assert (fixed.kept, fixed.dropped, fixed.changed) == (["a-1", "a-2", "b-1"], {}, ["spk2utt"])
    assert contents(folder) == {**before, "spk2utt": b"a a-1 a-2\nb b-1\n"}
    assert fix_data(folder).changed == []
    assert not (folder / ".backup").exists()


def test_sorted_and_the_same_in_every_table(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "text", "b-1 x", "c-1 x", "", "a-1 x", "b-1 x")
    write_lines(folder / "spk2utt", "nonsense")
    before = contents(folder)
    fixed = fix_data(folder)
    assert fixed.kept == ["a-1", "b-1"]
    assert {utt: why.removeprefix(f"{folder}/").split(",")[0] for utt, why in fixed.dropped.items()} == {
        "a-2": "text: no 'a-2'",
        "c-1": "utt2spk: no 'c-1'",
    }
    assert (folder / "text").read_text() == "a-1 x\nb-1 x\n"
    assert list(read_scp(folder / "wav.scp")) == ["a-1", "b-1"]
    assert (folder / "spk2utt").read_text() == "a a-1\nb b-1\n"
    kept_aside = contents(folder / ".backup")
    assert kept_aside.pop("dropped.tsv").decode().split("\t")[:2] == ["utterance", "reason\na-2"]
    assert kept_aside == before
    assert inspect(folder).problems == []


def test_audio_that_cannot_be_used(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    soundfile.write(folder / "audio" / "b-1.wav", noise().reshape(-1, 2), 16000)
    write_lines(folder / "segments", "a-1 a-2 0.1 0.6")
    fixed = fix_data(folder)
    assert fixed.kept == ["a-2"]
    assert "ends at 0.6 s" in fixed.dropped["a-1"]
    assert "2 channels" in fixed.dropped["b-1"]
    assert (folder / "segments").read_text() == ""
    assert fix_data(folder).changed == []


def test_what_reading_shows_and_what_another_set_has(tmp_path: Path) -> None:
    folder, train = sound_dir(tmp_path / "test"), sound_dir(tmp_path / "train")
    soundfile.write(folder / "audio" / "a-1.wav", np.zeros(8000), 16000)
    soundfile.write(folder / "audio" / "b-1.wav", noise(seed=9), 16000)
    fixed = fix_data(folder, read=True, against=[train])
    assert fixed.kept == ["b-1"]
    assert "is silent" in fixed.dropped["a-1"]
    assert f"is the audio of 'a-2' in {train}" in fixed.dropped["a-2"]
    assert inspect(folder, read=True, against=[train]).problems == []


def test_two_different_lines_leave_no_guess(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "text", "a-1 one", "a-1 two", "a-2 x", "a-2 x", "b-1 x")
    fixed = fix_data(folder)
    assert fixed.kept == ["a-2", "b-1"]
    assert "text:2: 'a-1' is there twice" in fixed.dropped["a-1"]


def test_tables_of_others_stay(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "spk2gender", "z f", "a m")
    fix_data(folder)
    assert (folder / "spk2gender").read_text() == "z f\na m\n"


def test_without_text_or_audio(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    (folder / "text").unlink()
    (folder / "wav.scp").unlink()
    write_lines(folder / "utt2spk", "b b", "a a")
    assert fix_data(folder).kept == ["a", "b"]
    assert (folder / "utt2spk").read_text() == "a a\nb b\n"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("text", "a-1 é\n".encode("latin-1"), "cannot be mended\n.*text:1: not UTF-8"),
        ("segments", "a-1 é 0 1\n".encode("latin-1"), "cannot be mended\n.*segments:1: not UTF-8"),
        ("text", b"", "cannot be mended\n.*text: is empty"),
        ("utt2spk", None, "cannot be mended\n.*utt2spk: no such file"),
        ("text", b"x-1 x\nx-2 y\n", "no utterance would be left; nothing was changed\na-1: .*text: no 'a-1'"),
    ],
)
def test_what_cannot_be_mended_is_not_touched(tmp_path: Path, name: str, content: bytes | None, message: str) -> None:
    folder = sound_dir(tmp_path / "data")
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    before = contents(folder)
    with pytest.raises(InputError, match=message):
        fix_data(folder)
    assert contents(folder) == before
    assert not (folder / ".backup").exists()


KEYS = ["a", "a-1", "b", "c", "é"]
BAD_LINES = {
    "text": ["a y", "a", "", "b x", "c y", "no/name x"],
    "utt2spk": ["b t", "b s t", "", "d s", "no/name s"],
    "segments": ["a good 0.1 0.9", "b gone 0 1", "b x", "c good 0.1 0.4", "c long 0 1", "d good 0 0.1", "good good 0.1 0.2"],
    "joins": ["a gone", "b good 0.1", "b good", "c c 0 good 1.5 long", "d good", "é b"],
    "wav.scp": ["gone /no/such/file.wav", "a", "b /no/such/file.wav", "no/name x.wav"],
}


@pytest.fixture(scope="module")
def wav_scp(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("audio")
    for name, seconds in (("good", 0.5), ("long", 1.0)):
        soundfile.write(folder / f"{name}.wav", noise(seconds, 8000), 8000)
    return [*(f"{key} {folder / 'good.wav'}" for key in (*KEYS, "good")), f"long {folder / 'long.wav'}"]


@st.composite
def messes(draw: st.DrawFn) -> dict[str, list[str]]:
    """By table, bad lines to add; and keys to leave out under ``without``."""
    mess = {name: draw(st.lists(st.sampled_from(lines), max_size=3)) for name, lines in BAD_LINES.items()}
    return {**mess, "without": draw(st.lists(st.sampled_from([f"{name}:{key}" for name in BAD_LINES for key in KEYS]), max_size=2))}


@settings(deadline=None)
@given(mess=messes(), random=st.randoms())
def test_what_is_left_is_sound(
    wav_scp: list[str], tmp_path_factory: pytest.TempPathFactory, mess: dict[str, list[str]], random: Random
) -> None:
    folder = tmp_path_factory.mktemp("data")
    good = {"text": [f"{key} x" for key in KEYS], "utt2spk": [f"{key} s" for key in KEYS], "wav.scp": wav_scp}
    for name in BAD_LINES:
        lines = [line for line in good.get(name, []) if f"{name}:{line.split()[0]}" not in mess["without"]] + mess[name]
        if lines:
            write_lines(folder / name, *random.sample(lines, len(lines)))
    before = contents(folder)
    try:
        fixed = fix_data(folder)
    except InputError as error:
        assert "nothing was changed" in str(error) or "cannot be mended" in str(error)
        assert contents(folder) == before
        return
    assert inspect(folder).problems == []
    assert list(read_scp(folder / "utt2spk")) == fixed.kept == list(read_scp(folder / "text"))
    assert not fixed.dropped.keys() & set(fixed.kept)
    assert fixed.kept or fixed.dropped
    assert fix_data(folder).changed == []
