"""The judge hears what Whisper hears, reads the same alone and in a batch, cuts what is too long, and gets out of loops."""

from __future__ import annotations

import numpy as np
import pytest
from transformers import WhisperFeatureExtractor

from lmspt.data.weights import find_weights
from lmspt.errors import InputError
from lmspt.files import sha256_of
from lmspt.score.judge import Judge, cut_windows, is_loop, log_mel
from tests.score.sounds import RATE, voice

SPEECH = {"long": voice(3.0), "short": voice(0.7, pitch=200.0), "high": voice(1.5, 220.0, (700.0, 1200.0, 2600.0))}


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge("whisper-base", num_threads=1)


@pytest.mark.parametrize("wav", [*SPEECH.values(), voice(30.0)], ids=[*SPEECH, "30 s"])
def test_log_mel_is_whispers(wav: np.ndarray) -> None:
    theirs = WhisperFeatureExtractor()(wav, sampling_rate=RATE, return_tensors="np").input_features[0]
    ours = log_mel(wav, 80)
    assert ours.shape == theirs.shape == (80, 3000)
    np.testing.assert_allclose(ours, theirs, atol=1e-4)


def test_reads_the_same_alone_and_together(judge: Judge) -> None:
    assert judge.read(SPEECH, reversed(SPEECH)) == {utt: judge.read(SPEECH, [utt])[utt] for utt in SPEECH}


def test_no_samples_read_as_nothing(judge: Judge) -> None:
    readings = judge.read({**SPEECH, "nothing": np.zeros(0, np.float32)}, ["nothing", "short"])
    assert (readings["nothing"].text, readings["nothing"].looped) == ("", False)
    assert readings["short"] == judge.read(SPEECH, ["short"])["short"]


class LoopingModel:
    """Reads "8, 8, 8 ..." in the first window of a batch, unless repeating is forbidden."""

    n_mels, batch = 80, 4

    def __init__(self, judge: Judge) -> None:
        self.loop, self.word = (judge.tokenizer.encode(text, add_special_tokens=False).ids for text in (" 8," * 100, " Five."))

    def generate(self, mels: np.ndarray, prompts: list[list[int]], beam_size: int, no_repeat_ngram_size: int) -> list[list[int]]:
        return [self.loop[: no_repeat_ngram_size or None], *[self.word] * (len(prompts) - 1)]


def test_a_loop_is_read_again_and_told(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "model", LoopingModel(judge))
    readings = judge.read(SPEECH, SPEECH)
    assert [reading.text for reading in readings.values()] == ["8, 8", "Five.", "Five."]
    assert [reading.looped for reading in readings.values()] == [True, False, False]


def test_what_a_loop_is() -> None:
    assert is_loop("8, " * 50)
    assert is_loop("and the stars in the sky " * 8)
    assert not is_loop("8 8 8 8 8 8")
    assert not is_loop(
        "There's iron, they say, in all our blood, and a grain or two perhaps is good, but his, he makes me harshly feel."
    )
    assert not is_loop("")


def test_windows_are_cut_where_it_is_quiet() -> None:
    wav = np.random.default_rng(0).uniform(-0.5, 0.5, 70 * RATE).astype(np.float32)
    wav[int(24.0 * RATE) : int(24.3 * RATE)] = 0.0
    wav[int(10.0 * RATE) : int(11.0 * RATE)] = 0.0  # quiet, too, but a third of the window
    pieces = list(cut_windows(wav))
    assert 24.0 <= len(pieces[0]) / RATE <= 24.3
    assert all(20 * RATE <= len(piece) <= 30 * RATE for piece in pieces[:-1])
    np.testing.assert_array_equal(np.concatenate(pieces), wav)
    assert len(list(cut_windows(wav[: 30 * RATE]))) == 1


def test_long_audio_is_read_piece_by_piece(judge: Judge) -> None:
    wav = np.concatenate([voice(25.0), np.zeros(RATE, np.float32), voice(10.0, 200.0)])
    pieces = dict(enumerate(cut_windows(wav)))
    parts = judge.read(pieces, pieces)
    assert judge.read({"all": wav}, ["all"])["all"].text == " ".join(part.text for part in parts.values())


def test_prompts(judge: Judge) -> None:
    assert judge.prompt == [50258, 50259, 50359, 50363]
    assert Judge("whisper-base", 1, language="es").prompt == [50258, 50262, 50359, 50363]
    assert Judge("whisper-tiny.en", 1).prompt == [50257, 50362]


class HearingModel:
    """Takes every window for Spanish."""

    is_multilingual, n_mels, batch = True, 80, 4

    def __init__(self) -> None:
        self.prompts: list[list[int]] = []

    def detect_language(self, mels: np.ndarray) -> list[str]:
        return ["<|es|>"] * len(mels)

    def generate(self, mels: np.ndarray, prompts: list[list[int]], beam_size: int, no_repeat_ngram_size: int) -> list[list[int]]:
        self.prompts += prompts
        return [[]] * len(prompts)


def test_a_language_may_be_detected(monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Judge("whisper-base", 1, language="detect")
    assert judge.contract()["language"] == "detect"
    monkeypatch.setattr(judge, "model", HearingModel())
    judge.read(SPEECH, SPEECH)
    assert judge.model.prompts == [[50258, 50262, 50359, 50363]] * len(SPEECH)


@pytest.mark.parametrize(("name", "language"), [("whisper-base", "xx"), ("whisper-tiny.en", "es")])
def test_unknown_language_is_refused(name: str, language: str) -> None:
    with pytest.raises(InputError, match=f"{name} does not read '{language}'"):
        Judge(name, 1, language=language)


def test_contract_names_the_weights(judge: Judge) -> None:
    contract = judge.contract()
    assert contract["name"] == "whisper-base"
    assert contract["sha256"] == sha256_of(find_weights("whisper-base") / "model.bin")
    assert (contract["compute_type"], contract["beam_size"], contract["language"]) == ("int8", 5, "en")
