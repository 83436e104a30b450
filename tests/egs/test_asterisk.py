"""The asterisk recipe's stage 1: transcripts, what is said, sets."""

from __future__ import annotations

import calendar
import datetime
import string
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from num2words import num2words

from lmspt.data.datadir import DataDir
from lmspt.errors import InputError
from lmspt.score.english import english
from tests.egs.asterisk import FRENCH, PHRASES, WORDS, prepare, prompts, said, write_archive

ODD = {
    "beep": ("[a tone]", "not speech"),
    "gone": ("Gone.", "no recording"),
    "mute": ("", "no transcript"),
    "unsure": ("The [big] one.", "part of the transcript is in brackets"),
}


def text_of(names: list[str]) -> str:
    return " ".join(WORDS[name] for name in names)


# ---- transcripts


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("at [@]", "at"),
        ("[!] punto esclamativo", "punto esclamativo"),
        ('IAX (note: does not say "2")', "IAX"),
        ("Hang up. (simple tone sound plays)", "Hang up."),
        ("“Appuyez sur 8.”", "Appuyez sur 8."),
        ('a polite "don\'t call" menu.', 'a polite "don\'t call" menu.'),
        ("x: Hello  there...", "Hello there..."),
        ("press * to pause, # to exit", "press star to pause, pound to exit"),
        ("the fourtieth of our represenatives", "the fortieth of our representatives"),
    ],
)
def test_transcripts_hold_what_is_said(tmp_path: Path, written: str, text: str) -> None:
    write_archive(tmp_path, "en", {"digits/1": "one", "x": written})
    kept, dropped = prompts.read_prompts(tmp_path, "en")
    assert {prompt.name: prompt.text for prompt in kept}["x"] == text
    assert not dropped


def test_what_is_no_transcript_is_dropped_with_its_reason(tmp_path: Path) -> None:
    write_archive(tmp_path, "en", {"digits/1": "one", **{name: text for name, (text, _) in ODD.items()}}, without=("gone",))
    kept, dropped = prompts.read_prompts(tmp_path, "en")
    assert [prompt.name for prompt in kept] == ["digits/1"]
    assert {name: reason for name, (reason, _) in dropped.items()} == {name: reason for name, (_, reason) in ODD.items()}


def test_a_name_with_two_transcripts_is_dropped(tmp_path: Path) -> None:
    write_archive(tmp_path, "es", {"digits/1": "uno", "digits/0": "cero"}, more="digits/0: diez\n")
    assert prompts.read_prompts(tmp_path, "es")[1] == {"digits/0": ("two transcripts", "cero | diez")}


def test_words_that_the_speaker_changed(tmp_path: Path) -> None:
    write_archive(tmp_path, "en", {"digits/1": "one", "invalid": "I am sorry, that's not a valid extension."})
    (_, invalid), _ = prompts.read_prompts(tmp_path, "en")
    assert invalid.text == "I'm sorry, that is not a valid extension."


@pytest.mark.parametrize("missing", ["digits/1.g722", "core-sounds-en.txt"])
def test_no_archive(tmp_path: Path, missing: str) -> None:
    write_archive(tmp_path, "en", {"digits/1": "one"})
    for path in tmp_path.rglob(f"*{missing.rsplit('/', maxsplit=1)[-1]}*"):
        path.unlink()
    with pytest.raises(InputError, match=rf"no {missing}.* below it"):
        prompts.read_prompts(tmp_path, "en")


def test_recordings_are_decoded(tmp_path: Path) -> None:
    write_archive(tmp_path, "en", {"digits/1": "one"})
    (prompt,), _ = prompts.read_prompts(tmp_path, "en")
    wav = (np.sin(np.arange(16000) * 0.1) * 8000).astype(np.int16)
    with av.open(str(prompt.path), "w", format="g722") as container:
        stream = container.add_stream("g722", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(wav[None], format="s16", layout="mono")
        frame.rate = 16000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    prompts.decode(prompt, tmp_path / "one.flac")
    heard, rate = soundfile.read(tmp_path / "one.flac", dtype="int16")
    assert rate == 16000
    assert len(heard) == round(prompt.seconds * rate) == 16000
    # the codec's two filters lag 22 samples
    assert np.corrcoef(heard[1000:], wav[1000 - 22 : -22])[0, 1] > 0.99


def test_names_become_keys(tmp_path: Path) -> None:
    write_archive(tmp_path, "ru", {"digits/1": "один"})
    (prompt,), _ = prompts.read_prompts(tmp_path, "ru")
    assert (prompt.utt, prompt.voice) == ("ivrvoice-ru-digits_1", "ivrvoice")


# ---- what is said


@given(st.integers(0, 999_999))
def test_numbers_are_read_as_written(value: int) -> None:
    assert english(text_of(said.number(value))) == english(f"{value:,}")


@given(st.integers(0, 23), st.integers(0, 59))
def test_times_are_read_as_written(hour: int, minute: int) -> None:
    written = datetime.time(hour, minute).strftime("%I:%M %p").lstrip("0")
    heard = english(text_of(said.time(hour, minute)))
    # on the hour the telephone says "o'clock", which nobody writes beside "PM"
    assert heard == (english(written) if minute else english(written.replace(":00", " o'clock")))


@given(st.dates(said.FIRST_DAY, said.LAST_DAY))
def test_dates_are_read_as_written(day: datetime.date) -> None:
    written = f"{calendar.month_name[day.month]} {day.day}, {day.year}"
    assert english(text_of(said.date(day))) == english(written)
    assert english(text_of(said.day_of_week(day))) == english(f"{calendar.day_name[day.weekday()]}, {written[:-6]}")


@given(st.text(string.digits, min_size=1), st.text(string.ascii_lowercase, min_size=1))
def test_strings_are_spelled(figures: str, word: str) -> None:
    assert text_of(said.digits(figures)) == " ".join(num2words(int(figure)) for figure in figures)
    assert text_of(said.letters(word)) == " ".join(word)


@pytest.mark.parametrize("kind", said.KINDS)
def test_every_word_that_is_said_is_recorded(kind: str) -> None:
    rng = np.random.default_rng(0)
    used = {name for _ in range(3000) for name in said.KINDS[kind](rng)}
    assert used <= WORDS.keys()


# ---- sets


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with downloads/ and the data/ made from it."""
    folder = tmp_path_factory.mktemp("asterisk")
    odd = {name: text for name, (text, _) in ODD.items()}
    write_archive(folder / "downloads/en", "en", {**WORDS, **PHRASES, **odd}, without=("gone",))
    write_archive(folder / "downloads/fr", "fr", FRENCH)
    make_sets(folder, "data", langs=("en", "fr"))
    return folder


def make_sets(folder: Path, out: str, langs: tuple[str, ...] = ("en",), n_said: int = 200) -> Path:
    downloads, out = folder / "downloads", folder / out
    prepare.main(["--downloads", str(downloads), "--langs", *langs, "--said", str(n_said), "--out", str(out)])
    return out


def said_of(data: DataDir) -> dict[str, str]:
    return {utt: data.text[utt] for utt in data.joins}


def test_sizes(corpus: Path) -> None:
    sets = {name: DataDir(corpus / "data" / name) for name in ("train", "dev", "test_prompts", "test_said", "train_tok")}
    n_train = len(WORDS) + len(PHRASES) - 60 - 30
    assert {name: len(data.utts) - len(data.joins) for name, data in sets.items()} == {
        "train": n_train,
        "dev": 30,
        "test_prompts": 60,
        "test_said": 0,
        "train_tok": n_train + len(FRENCH),
    }
    assert {name: len(data.joins) for name, data in sets.items()} == {
        "train": 200,
        "dev": 60,
        "test_prompts": 0,
        "test_said": 150,
        "train_tok": 0,
    }
    assert set(sets["train_tok"].utt2spk.values()) == {"allison", "june"}
    for data in sets.values():
        assert all(utt.startswith(data.utt2spk[utt] + "-") for utt in data.utts)


def test_no_text_is_in_two_sets(corpus: Path) -> None:
    sets = (DataDir(corpus / "data" / name) for name in ("train", "dev", "test_prompts", "test_said"))
    texts = [{english(text) for text in data.text.values()} for data in sets]
    assert sum(map(len, texts)) == len(set().union(*texts))


def test_other_languages_have_sets_of_their_own(tmp_path: Path) -> None:
    spoken = {f"phrase-{a}-{b}": f"Appuyez sur {a} et sur {b}." for a in "abcdefgh" for b in "klmnopqr"}
    write_archive(tmp_path / "downloads/en", "en", {**WORDS, **PHRASES})
    write_archive(tmp_path / "downloads/fr", "fr", {**FRENCH, **spoken})
    folder = make_sets(tmp_path, "data", langs=("en", "fr"), n_said=10)
    sets = {name: DataDir(folder / name) for name in ("train", "train_all", "train_all_tok", "dev_all", "test_fr")}
    french = {name: {utt for utt in data.utts if data.utt2spk[utt] == "june"} for name, data in sets.items()}
    n_french = len(FRENCH) + len(spoken)
    assert {name: len(utts) for name, utts in french.items()} == {
        "train": 0, "train_all": n_french - 45, "train_all_tok": n_french - 45, "dev_all": 15, "test_fr": 30,
    }  # fmt: skip
    assert sets["train_all"].joins == sets["train"].joins
    assert not french["test_fr"] & (french["train_all"] | french["dev_all"])


def test_words_of_other_sets_are_those_of_train(corpus: Path) -> None:
    train = DataDir(corpus / "data/train")
    for name in ("dev", "test_said"):
        data = DataDir(corpus / "data" / name)
        for utt, join in data.joins.items():
            for recording in join.recordings:
                assert data.wav_scp[recording] == train.wav_scp[recording]
            assert data.text[utt] == " ".join(train.text[recording] for recording in join.recordings)
            assert len(join.recordings) > 1
            assert all(0.0 <= pause <= 0.1 for pause in join.pauses)


def test_all_kinds_are_said(corpus: Path) -> None:
    kinds = [utt.split("said_")[1].split("_")[0] for utt in DataDir(corpus / "data/test_said").joins]
    assert {kind: kinds.count(kind) for kind in said.KINDS} == dict.fromkeys(said.KINDS, 30)


def test_recordings_are_whole(corpus: Path) -> None:
    data = DataDir(corpus / "data/test_prompts")
    for utt in data.utts[:5]:
        info = soundfile.info(data.wav_scp[utt])
        assert (info.samplerate, info.channels, info.frames) == (16000, 1, 2 * 8000)


def test_dropped_list(corpus: Path) -> None:
    rows = [line.split("\t") for line in (corpus / "data/dropped.tsv").read_text().splitlines()]
    assert rows[0] == ["lang", "name", "reason", "text"]
    assert rows[1:] == [["en", name, reason, text] for name, (text, reason) in sorted(ODD.items())]


def test_what_is_tested_depends_on_no_option(corpus: Path) -> None:
    other = make_sets(corpus, "other", n_said=20)
    for name in ("dev", "test_prompts", "test_said"):
        for table in ("text", "utt2spk", "wav.scp"):
            assert (other / name / table).read_bytes() == (corpus / "data" / name / table).read_bytes()
    assert (other / "test_said/joins").read_bytes() == (corpus / "data/test_said/joins").read_bytes()
    assert said_of(DataDir(other / "train")).items() <= said_of(DataDir(corpus / "data/train")).items()
    assert not {"june"} & set(DataDir(other / "train_tok").utt2spk.values())


def test_no_joined_utterances(corpus: Path) -> None:
    assert not DataDir(make_sets(corpus, "other", n_said=0) / "train").joins


def test_nothing_is_said_twice(corpus: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(said.KINDS, "digits", lambda rng: said.digits(str(rng.integers(100, 110))))
    kept, _ = prompts.read_prompts(corpus / "downloads/en", "en")
    speaker = prepare.Speaker({prompt.name: prompt for prompt in kept}, ["One zero five!"])
    heard = {" ".join(part.text for part in speaker.say("digits")[0]) for _ in range(9)}
    assert heard == {f"one zero {num2words(last)}" for last in range(10) if last != 5}
    with pytest.raises(InputError, match="not as many utterances of kind 'digits'"):
        speaker.say("digits")


def test_a_word_that_is_not_recorded(tmp_path: Path) -> None:
    write_archive(tmp_path / "downloads/en", "en", {**WORDS, **PHRASES}, without=("digits/at",))
    with pytest.raises(InputError, match="no recording of 'digits/at'"):
        make_sets(tmp_path, "data")
