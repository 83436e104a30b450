"""Validation: silent about what is sound, one message for each thing that is not, and never a write."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from lmspt.data.audio import write_wav
from lmspt.data.validate import inspect, validate
from lmspt.errors import InputError
from tests.data.folders import noise, sound_dir, write_lines


def messages(folder: Path, **options: bool) -> list[str]:
    return [problem.message.removeprefix(f"{folder}/") for problem in inspect(folder, **options).problems]


def test_a_sound_directory(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    before = sorted(path.name for path in folder.iterdir())
    report = validate(folder)
    assert report.summary() == f"{folder}: 3 utterances, 2 speakers, 0.00 hours, 16000 Hz"
    assert report.warnings() == []
    assert sorted(path.name for path in folder.iterdir()) == before


def test_hours_of_joins_segments_and_several_rates(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    soundfile.write(folder / "audio" / "b-1.wav", np.tile(noise(1.0, 8000), 3600), 8000)
    for name, value in (("text", "x"), ("utt2spk", "a")):
        write_lines(folder / name, *(f"{utt} {value}" for utt in ("a-cut", "a-joined", "b-1")))
    write_lines(folder / "segments", "a-cut b-1 100 1900")
    write_lines(folder / "joins", "a-joined b-1 59 b-1 1 b-1")
    # half an hour cut, three hours and a minute joined, an hour whole
    assert validate(folder).summary() == (
        f"{folder}: 3 utterances, 1 speaker, 4.52 hours, 8000 Hz (1 recording), 16000 Hz (2 recordings)"
    )


def test_pipes_are_not_run(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    lines = (folder / "wav.scp").read_text().splitlines()
    write_lines(folder / "wav.scp", f"a-1 touch {tmp_path / 'run'} |", *lines[1:])
    assert "0.00 hours and 1 utterance of unknown length (audio not read)" in validate(folder).summary()
    assert not (tmp_path / "run").exists()
    write_lines(folder / "wav.scp", "a-1 no-such-program x |", *lines[1:])
    assert messages(folder) == [
        "wav.scp: 'a-1': 'no-such-program x |': program 'no-such-program' is not installed; install it or mend the line"
    ]


def test_unsorted_tables_name_line_and_both_keys(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "utt2spk", "a-1 a", "b-1 b", "a-2 a")
    write_lines(folder / "spk2utt", "b b-1", "a a-1 a-2")
    mend = f"sort it with LC_ALL=C sort, or run utils/fix_data_dir.sh {folder}"
    assert messages(folder) == [f"utt2spk:3: 'a-2' comes after 'b-1'; {mend}", f"spk2utt:2: 'a' comes after 'b'; {mend}"]


def test_order_is_bytewise(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    names = ["Z", "a", "a-b", "a.b", "ab", "z", "é"]
    write_wav(tmp_path / "x.wav", noise(), 16000)
    for name, value in (("text", "x"), ("utt2spk", "a"), ("wav.scp", tmp_path / "x.wav")):
        write_lines(folder / name, *(f"{utt} {value}" for utt in names))
    assert messages(folder) == []


def test_a_recording_without_an_utterance(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    for name in ("text", "utt2spk"):
        write_lines(folder / name, "a-1 a", "b-1 b")
    assert messages(folder) == [f"utt2spk: no 'a-2', which wav.scp has; add it, or run utils/fix_data_dir.sh {folder}"]
    # recordings that are parts of others may lie idle
    write_lines(folder / "joins", "a-1 a-1 0.1 b-1")
    assert messages(folder) == []
    assert inspect(folder).warnings() == [f"{folder}/wav.scp: 1 recording in no utterance, the first 'a-2'"]


def test_spk2utt_must_say_what_utt2spk_says(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "spk2utt", "a a-1 a-2", "b b-1")
    assert messages(folder) == []
    write_lines(folder / "spk2utt", "a a-1", "c b-1")
    assert [message.split(";")[0] for message in messages(folder)] == [
        "spk2utt: 'a' has other utterances than in utt2spk",
        "spk2utt: 'b' has other utterances than in utt2spk",
        "spk2utt: 'c' has other utterances than in utt2spk",
    ]


@pytest.mark.parametrize(
    ("text", "name"),
    [("a\u00a0b", "U+00A0 (NO-BREAK SPACE)"), ("a\u2028b", "U+2028 (LINE SEPARATOR)"), ("a\x07b", "U+0007 (no character")],
)
def test_characters_that_are_not_printed(tmp_path: Path, text: str, name: str) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "text", f"a-1 {text}", "a-2 two\twords", "b-1 میخواهم می\u200cخواهم")
    (message,) = messages(folder)
    assert message.startswith(f"text: 'a-1' has {name}")
    assert messages(folder, non_print=True) == []


def test_speakers_that_do_not_begin_their_utterances_are_a_warning(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "utt2spk", "a-1 a", "a-2 anna", "b-1 berta")
    report = validate(folder)
    assert report.warnings() == [
        f"{folder}/utt2spk: 2 utterances, the first 'a-2', do not begin with their speaker's name; nothing here needs it, "
        "programs of Kaldi do"
    ]
    assert report.warnings(spk_sort=False) == []


def test_a_bad_recording_is_one_problem_however_often_it_is_used(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    (folder / "audio" / "b-1.wav").unlink()
    write_lines(folder / "joins", "a-1 b-1 0 b-1", "a-2 b-1")
    assert messages(folder) == [
        f"wav.scp: 'b-1': {folder}/audio/b-1.wav: no such file; mend the path in wav.scp or remove the line"
    ]


def test_only_reading_shows_it(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    loud = noise(seed=1).clip(-0.2, 0.2) * 5
    soundfile.write(folder / "audio" / "a-2.wav", loud, 16000)
    soundfile.write(folder / "audio" / "b-1.wav", noise(seed=2) / 100, 16000)
    half_silent = np.concatenate([noise(), np.zeros(8000, np.float32)])
    soundfile.write(folder / "audio" / "a-1.wav", half_silent, 16000)
    write_lines(folder / "segments", "a-1 a-1 0.6 0.9")
    assert messages(folder) == []
    report = inspect(folder, read=True, nj=2)
    assert [problem.message for problem in report.problems] == [f"{folder}/segments: 'a-1' is silent; remove its line"]
    clipped, quiet = report.warnings()
    assert (
        clipped == f"{folder}/wav.scp: 1 recording clipped, the worst 'a-2' in {np.mean(np.abs(loud) > 0.999):.1%} of its samples"
    )
    assert quiet == f"{folder}/wav.scp: 1 recording very quiet, the worst 'b-1' with a peak of 0.0050"
    nothing = np.full(8000, np.nan, np.float32)
    soundfile.write(folder / "audio" / "b-1.wav", nothing, 16000, subtype="FLOAT")
    assert "b-1.wav: holds NaN" in inspect(folder, read=True).problems[-1].message


def test_pipes_are_run_when_audio_is_read(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    lines = (folder / "wav.scp").read_text().splitlines()
    write_lines(folder / "wav.scp", f"a-1 cat {folder}/audio/a-1.wav |", *lines[1:])
    assert inspect(folder, read=True).summary() == inspect(sound_dir(tmp_path / "same")).summary().replace("same", "data")


def test_stereo_with_a_channel(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    soundfile.write(folder / "audio" / "b-1.wav", noise().reshape(-1, 2), 16000)
    assert "2 channels" in messages(folder)[0]
    write_lines(folder / "channel", "1")
    assert messages(folder) == []


def test_what_is_tested_was_not_trained_on(tmp_path: Path) -> None:
    train, test = sound_dir(tmp_path / "train"), sound_dir(tmp_path / "test")
    soundfile.write(test / "audio" / "a-1.wav", noise(seed=7), 16000)
    write_lines(test / "text", "a-1 one", "a-2 another", "b-1 other")
    report = inspect(test, against=[train])
    mend = "remove it from one of them, or run utils/fix_data_dir.sh --against"
    assert [problem.message for problem in report.problems] == [
        f"{test}: '{utt}' is the audio of '{utt}' in {train}; {mend}" for utt in ("a-2", "b-1")
    ]
    assert report.warnings() == [
        f"{test}: 1 of 3 texts are in {train}, too",
        f"{test}: 2 of 2 speakers are in {train}, too: a, b",
    ]


def test_joins_may_share_recordings_with_other_sets(tmp_path: Path) -> None:
    train = sound_dir(tmp_path / "train")
    test = tmp_path / "test"
    test.mkdir()
    (test / "wav.scp").write_text((train / "wav.scp").read_text())
    write_lines(test / "joins", "c-1 a-1 0.1 a-2", "c-2 b-1")
    write_lines(test / "text", "c-1 x", "c-2 y")
    write_lines(test / "utt2spk", "c-1 c", "c-2 c")
    report = inspect(test, against=[train])
    assert report.problems == []
    assert report.warnings() == [f"{test}: 2 of 2 utterances are made of recordings that are in {train}, too"]
    again = inspect(test, against=[test])
    assert [problem.key for problem in again.problems] == ["c-1", "c-2"]


def test_a_thousand_problems_are_twenty_lines(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    write_lines(folder / "text", *(f"u-{n:04} x" for n in range(1000)))
    with pytest.raises(InputError) as error:
        validate(folder)
    lines = str(error.value).splitlines()
    assert lines[0] == f"{folder}: 1003 problems"
    assert lines[-1] == "... and 983 more"
    assert len(lines) == 22


def test_texts_of_signs_alone(tmp_path: Path) -> None:
    folder = sound_dir(tmp_path / "data")
    (folder / "text").write_text((folder / "text").read_text().replace("one\n", "... -\n"))
    with pytest.raises(InputError, match=r"text: 'a-1' has neither letter nor digit, but '\.\.\. -'; mend it"):
        validate(folder)
