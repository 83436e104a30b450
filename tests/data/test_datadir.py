"""Data directories: joins and segments parsed and written, tables that do not agree named with file and utterance."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmspt.data.datadir import DataDir, Join, Segment, parse_join, parse_segment, spk2utt_of
from lmspt.data.scp import Problem
from lmspt.errors import InputError
from tests.data.folders import UTTS, sound_dir, write_lines

WORDS = st.text("abc-é1.", min_size=1, max_size=6)
PAUSES = st.floats(0, 60, exclude_max=True)


@given(WORDS, st.lists(st.tuples(PAUSES, WORDS), max_size=5))
def test_joins_round_trip(first: str, later: list[tuple[float, str]]) -> None:
    join = Join((first, *(name for _, name in later)), (0.0, *(pause for pause, _ in later)))
    assert parse_join(join.line()) == join


@given(st.text(max_size=30) | st.lists(st.sampled_from(["a", "0.5", "-1", "60", "nan", "inf", "1e-3"])).map(" ".join))
def test_any_line_is_a_join_or_a_segment_or_an_error(line: str) -> None:
    for parse in (parse_join, parse_segment):
        try:
            value = parse(line)
        except InputError as error:
            assert "write '<utterance> <recording>" in str(error) or "the end must come after the begin" in str(error)
            continue
        if isinstance(value, Join):
            assert len(value.recordings) == len(value.pauses)
            assert value.pauses[0] == 0
            assert all(0 <= pause < 60 for pause in value.pauses)
        else:
            assert 0 <= value.begin < value.end < float("inf")


def test_segments_may_be_off_by_ten_milliseconds() -> None:
    assert not Segment("r", 0.0, 1.01).is_past(16000, 16000)
    assert Segment("r", 0.0, 1.02).is_past(16000, 16000)


def test_spk2utt() -> None:
    utt2spk = {"b-2": "b", "a-10": "a", "b-1": "b", "Z": "a"}
    assert spk2utt_of(utt2spk) == {"a": "Z a-10", "b": "b-1 b-2"}


def test_what_utterances_are_made_of(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    for name, value in (("text", "x"), ("utt2spk", "a")):
        write_lines(folder / name, *(f"{utt} {value}" for utt in ("a-1", "joined", "part")))
    write_lines(folder / "segments", "part a-2 0.1 0.25")
    write_lines(folder / "joins", "joined a-1 0.5 b-1 0 a-1")
    data = DataDir(folder)
    assert data.utts == ["a-1", "joined", "part"]
    assert [data.recordings_of(utt) for utt in data.utts] == [("a-1",), ("a-1", "b-1", "a-1"), ("a-2",)]
    assert data.joins["joined"].pauses == (0.0, 0.5, 0.0)
    assert data.segments["part"] == Segment("a-2", 0.1, 0.25)
    assert data.num_samples == {}


@pytest.mark.parametrize(
    ("name", "lines", "message"),
    [
        ("text", ["a-1 x", "a-2 x"], "/text: no 'b-1', which utt2spk has"),
        ("text", ["a-1 x", "a-2 x", "b-1 x", "c x"], "/utt2spk: no 'c', which text has"),
        ("text", [], "/text: is empty"),
        ("utt2spk", ["a-1 a", "a-2 a b", "b-1 b"], "/utt2spk: 'a-2' has 'a b'; write one speaker"),
        ("wav.scp", ["a-1 x.wav", "b-1 y.wav"], "/wav.scp: no 'a-2', which utterance 'a-2' needs"),
        ("segments", ["a-1 r 0"], "/segments: 'a-1' has 'r 0'; write"),
        ("segments", ["a-1 a-2 2 1"], "/segments: 'a-1' goes from 2 to 1 s"),
        ("segments", ["a-1 a-1 0 inf"], "/segments: 'a-1' goes from 0 to inf s"),
        ("segments", ["c a-1 0 1"], "/utt2spk: no 'c', which segments has"),
        ("joins", ["a-1 a-2 0.5"], "/joins: 'a-1' has 'a-2 0.5'; write"),
        ("joins", ["a-1 a-2 60 b-1"], "pauses under 60 s"),
        ("joins", ["a-1 a-2 0.5 nobody"], "/wav.scp: no 'nobody', which utterance 'a-1' needs"),
        ("utt2num_samples", ["a-1 8000", "a-2 8000", "b-1 many"], "/utt2num_samples: 'b-1' has 'many', not a number"),
        ("utt2num_samples", ["a-1 8000", "a-2 8000"], "/utt2num_samples: no 'b-1', which utt2spk has"),
    ],
)
def test_problems_name_file_and_utterance(tmp_path: Path, name: str, lines: list[str], message: str) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / name, *lines)
    with pytest.raises(InputError) as error:
        DataDir(folder)
    assert str(error.value).startswith(str(folder / ""))
    assert message in str(error.value)


def test_an_utterance_is_cut_or_joined_not_both(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "segments", "a-1 a-2 0 0.2")
    write_lines(folder / "joins", "a-1 a-2 0 b-1")
    with pytest.raises(InputError, match="'a-1' is in segments, too"):
        DataDir(folder)


def test_a_segment_does_not_take_the_name_of_a_recording_in_use(tmp_path: Path) -> None:
    # both would be written to wav/a-1.flac
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "segments", "a-1 a-2 0 0.2")
    write_lines(folder / "joins", "b-1 a-1 0 a-2")
    with pytest.raises(InputError, match="'a-1' is the name of a recording that 'b-1' uses whole"):
        DataDir(folder)


def test_all_problems_are_collected_once_each(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "text", "a-1 x", "a-1 y", "", "b-1 x", "c x")
    write_lines(folder / "segments", "a-1 r 3", "a-2 r 0 1")
    problems: list[Problem] = []
    data = DataDir(folder, found=problems.append)
    places = [problem.message.removeprefix(str(folder)).split(";")[0] for problem in problems]
    assert places == [
        "/text:2: 'a-1' is there twice",
        "/text:3: blank line",
        "/segments: 'a-1' has 'r 3'",
        "/utt2spk: no 'c', which text has",
        "/text: no 'a-2', which utt2spk has",
        "/wav.scp: no 'r', which utterance 'a-2' needs",
    ]
    assert [problem.key for problem in problems] == ["a-1", "", "a-1", "c", "a-2", "r"]
    assert data.utts == list(UTTS)


def test_optional_tables(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    (folder / "text").unlink()
    with pytest.raises(InputError, match="text: no such file"):
        DataDir(folder)
    assert DataDir(folder, optional=("text",)).text == {}


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: no such data directory"):
        DataDir(tmp_path / "nowhere")
