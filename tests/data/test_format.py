"""Stage 2: one rate, segments cut, joins counted, odd ones out with a reason; bad files lose no good ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lmspt.data.audio import Utterances, read_audio
from lmspt.data.datadir import DataDir
from lmspt.data.format import format_data
from lmspt.data.scp import read_scp
from lmspt.data.validate import validate
from lmspt.errors import InputError
from tests.data.folders import UTTS, noise, sound_dir, write_lines


def with_joins_and_segments(folder: Path, rate: int) -> Path:
    """A whole recording, a segment and a join with pauses that are no whole number of samples."""
    sound_dir(folder, 0.50003, rate)
    for name, value in (("text", "x"), ("utt2spk", "a")):
        write_lines(folder / name, *(f"{utt} {value}" for utt in ("a-1", "joined", "part")))
    write_lines(folder / "segments", "part a-2 0.101 0.3333")
    write_lines(folder / "joins", "joined a-1 1.23456789 b-1 0.00003 a-1 30.000031249 b-1")
    return folder


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
def test_lengths_are_those_heard(tmp_path: Path, rate: int) -> None:
    data = DataDir(with_joins_and_segments(tmp_path / "data", rate))
    assert format_data(data, tmp_path / "raw", 16000) == (3, {})
    raw = DataDir(tmp_path / "raw")
    heard = Utterances(raw, 16000)
    assert {utt: len(heard[utt]) for utt in raw.utts} == raw.num_samples
    assert raw.num_samples["a-1"] == pytest.approx(8000, abs=2)
    assert raw.num_samples["part"] == pytest.approx(0.2323 * 16000, abs=2)
    assert validate(tmp_path / "raw").problems == []


def test_segments_are_cut_where_they_are(tmp_path: Path) -> None:
    folder = with_joins_and_segments(tmp_path / "data", 16000)
    format_data(DataDir(folder), tmp_path / "raw", 16000)
    whole = read_audio(folder / "audio" / "a-2.wav")[0]
    part = read_audio(tmp_path / "raw" / "wav" / "part.flac")[0]
    assert np.array_equal(part, whole[1616:5333])
    assert "segments" not in {path.name for path in (tmp_path / "raw").iterdir()}


def test_tables_agree_and_drops_have_reasons(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    soundfile.write(folder / "audio" / "a-1.wav", noise(0.05), 16000)
    soundfile.write(folder / "audio" / "b-1.wav", noise(2.5), 16000)
    n, dropped = format_data(DataDir(folder), tmp_path / "raw", 16000, min_seconds=0.1, max_seconds=2)
    assert (n, dropped) == (1, {"a-1": "shorter than 0.1 s", "b-1": "longer than 2 s"})
    assert (tmp_path / "raw" / "dropped.tsv").read_text() == (
        "utterance\tseconds\treason\na-1\t0.050\tshorter than 0.1 s\nb-1\t2.500\tlonger than 2 s\n"
    )
    tables = {name: read_scp(tmp_path / "raw" / name) for name in ("wav.scp", "text", "utt2spk", "utt2num_samples")}
    assert all(list(table) == ["a-2"] for table in tables.values())
    assert read_scp(tmp_path / "raw" / "spk2utt") == {"a": "a-2"}
    assert (tables["text"]["a-2"], tables["utt2num_samples"]["a-2"]) == ("two words", "8000")


def test_nothing_left_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no utterance is left; all are outside 1 to 2 s"):
        format_data(DataDir(sound_dir(tmp_path / "data")), tmp_path / "raw", 16000, 1, 2)


def test_one_rate(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data", rate=8000)
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    soundfile.write(folder / "audio" / "a-1.wav", tone, 8000)
    format_data(DataDir(folder), tmp_path / "raw", 16000)
    wav, rate = read_audio(tmp_path / "raw" / "wav" / "a-1.flac")
    expected = 0.5 * np.sin(2 * np.pi * 440 * np.arange(8000) / 16000)
    assert (rate, len(wav)) == (16000, 8000)
    assert np.abs(wav - expected)[500:-500].max() < 1e-3


def test_bad_files_are_listed_and_good_ones_kept(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    good = (folder / "audio" / "a-2.wav").read_bytes()
    (folder / "audio" / "a-2.wav").write_bytes(good[:1000])
    soundfile.write(folder / "audio" / "b-1.wav", np.zeros(8000), 16000)
    with pytest.raises(InputError) as error:
        format_data(DataDir(folder), tmp_path / "raw", 16000)
    first, *problems = str(error.value).splitlines()
    assert first == f"{folder}: 2 of 3 recordings"
    assert [problem.split(":")[0] for problem in problems] == ["a-2", "b-1"]
    assert "a-2.wav: is cut short" in problems[0]
    assert "b-1.wav is silent" in problems[1]
    assert [path.name for path in (tmp_path / "raw" / "wav").iterdir()] == ["a-1.flac"]
    assert not (tmp_path / "raw" / "wav.scp").exists()


def test_segment_past_the_end(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "segments", "a-1 a-2 0.2 0.52")
    with pytest.raises(InputError, match=r"a-1: its segment ends at 0.52 s, .*a-2.wav has 0.50 s; mend segments"):
        format_data(DataDir(folder), tmp_path / "raw", 16000)


def test_broken_off_it_goes_on(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    good = (folder / "audio" / "b-1.wav").read_bytes()
    (folder / "audio" / "b-1.wav").write_bytes(b"")
    with pytest.raises(InputError, match="1 of 3 recordings"):
        format_data(DataDir(folder), tmp_path / "raw", 16000)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "raw" / "wav").iterdir()}
    assert len(before) == 2
    (folder / "audio" / "b-1.wav").write_bytes(good)
    leftovers = [tmp_path / "raw/wav/.a-1.flac.7.tmp.flac", tmp_path / "raw/.text.7.tmp"]  # of a process that was killed
    for leftover in leftovers:
        leftover.write_bytes(b"fLaC")
    assert format_data(DataDir(folder), tmp_path / "raw", 16000)[0] == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not any(path.exists() for path in leftovers)
    assert DataDir(tmp_path / "raw").utts == list(UTTS)


def test_threads_change_nothing(tmp_path: Path) -> None:
    folder = with_joins_and_segments(tmp_path / "data", 22050)
    for nj in (1, 3):
        format_data(DataDir(folder), tmp_path / f"raw{nj}", 16000, nj=nj)
    files = [{path.name: path.read_bytes() for path in (tmp_path / f"raw{nj}" / "wav").iterdir()} for nj in (1, 3)]
    assert files[0] == files[1]


def test_a_recording_is_read_once_for_all_its_segments(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data", 2.0)
    reads = tmp_path / "reads"
    (tmp_path / "count.sh").write_text(f"echo read >> {reads}\ncat {folder}/audio/a-1.wav\n")
    write_lines(folder / "wav.scp", f"talk sh {tmp_path}/count.sh |")
    utts = [f"talk-{i}" for i in range(4)]
    write_lines(folder / "segments", *(f"{utt} talk {i / 2} {i / 2 + 0.5}" for i, utt in enumerate(utts)))
    for name, value in (("text", "x"), ("utt2spk", "a")):
        write_lines(folder / name, *(f"{utt} {value}" for utt in utts))
    assert format_data(DataDir(folder), tmp_path / "raw", 16000, nj=2)[0] == 4
    assert reads.read_text() == "read\n"
    parts = [read_audio(tmp_path / "raw/wav" / f"{utt}.flac")[0] for utt in utts]
    assert np.array_equal(np.concatenate(parts), read_audio(folder / "audio/a-1.wav")[0])
    (tmp_path / "raw/wav/talk-2.flac").unlink()
    format_data(DataDir(folder), tmp_path / "raw", 16000)
    assert np.array_equal(read_audio(tmp_path / "raw/wav/talk-2.flac")[0], parts[2])
    assert reads.read_text() == "read\n" * 2


def test_one_channel_of_two(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    stereo = np.stack([noise(seed=1), noise(seed=2)], axis=1)
    soundfile.write(folder / "audio" / "a-1.wav", stereo, 16000)
    with pytest.raises(InputError, match="2 channels; write which"):
        format_data(DataDir(folder), tmp_path / "raw", 16000)
    write_lines(folder / "channel", "1")
    format_data(DataDir(folder), tmp_path / "raw", 16000)
    wav, _ = read_audio(tmp_path / "raw" / "wav" / "a-1.flac")
    assert np.abs(wav - stereo[:, 0]).max() < 1e-4


def test_other_audio_of_the_same_names_and_lengths_has_another_digest(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    found = []
    for seed in (1, 2, 1):
        soundfile.write(folder / "audio" / "a-1.wav", noise(seed=seed), 16000)
        out = tmp_path / f"raw{len(found)}"
        format_data(DataDir(folder), out, 16000)
        tables = [(out / name).read_text().replace(out.name, "raw") for name in ("wav.scp", "text", "utt2spk", "utt2num_samples")]
        found.append((tables, (out / "audio.sha256").read_text()))
    assert found[0] == found[2]
    assert found[0][0] == found[1][0]
    assert found[0][1] != found[1][1]


def test_pipes(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    format_data(DataDir(folder), tmp_path / "direct", 16000)
    write_lines(folder / "wav.scp", *(f"{utt} cat {folder}/audio/{utt}.wav |" for utt in UTTS))
    format_data(DataDir(folder), tmp_path / "piped", 16000)
    for utt in UTTS:
        assert (tmp_path / "piped/wav" / f"{utt}.flac").read_bytes() == (tmp_path / "direct/wav" / f"{utt}.flac").read_bytes()
