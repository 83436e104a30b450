"""Probes: their values where they are known, their baselines where nothing is to be found."""

from __future__ import annotations

import json
from math import log2
from pathlib import Path

import numpy as np
import pytest

from lmspt.bin.tok_probe import main
from lmspt.score.labels import Stretch
from lmspt.score.leakage import speaker_leakage
from lmspt.score.ngram import NGram
from lmspt.score.probes import (
    entropies,
    guessing,
    lengths,
    place_information,
    sequence_information,
    word_distances,
    word_information,
)
from tests.report.experiment import make_experiment

RATE = 10.0  # Hz
WORDS = ("one", "two", "three", "four")
N_UTTS = 60


def spoken(codes_of_word: dict[str, list[int]], noise: float = 0.0) -> tuple[dict, dict, dict]:
    """Codes, labels and speakers of utterances of three words, five frames each; ``noise`` of the codes are others."""
    rng = np.random.default_rng(0)
    codes, labels, speakers = {}, {}, {}
    for i in range(N_UTTS):
        words = rng.choice(WORDS, 3)
        row = np.concatenate([codes_of_word[word] for word in words])
        codes[f"u{i}"] = np.where(rng.random(len(row)) < noise, rng.integers(0, 64, len(row)), row)
        labels[f"u{i}"] = [Stretch(0.5 * n, 0.5 * n + 0.5, str(word), f"u{i} {n}") for n, word in enumerate(words)]
        speakers[f"u{i}"] = "ab"[i % 2]
    return codes, labels, speakers


CLEAR = {word: list(range(10 * i, 10 * i + 5)) for i, word in enumerate(WORDS)}
DEAF = {key: [1, 2, 3, 4, 5] for key in WORDS}


def test_entropies() -> None:
    found = entropies({"u": np.array([0, 1, 2, 3] * 50)}, RATE)
    assert found["perplexity"] == pytest.approx(4.0)
    assert found["entropy_bps"] == pytest.approx(2 * RATE)
    assert found["conditional_entropy_bps"] == pytest.approx(0.0, abs=1e-9)
    random = entropies({"u": np.random.default_rng(0).integers(0, 4, 20_000)}, RATE)
    assert random["conditional_entropy_bps"] == pytest.approx(2 * RATE, rel=0.01)


def test_ngram_probabilities_add_up() -> None:
    model = NGram(3, 5).fit([[0, 1, 2, 0, 1, 3], [1, 2]])
    for context in ([], [0], [0, 1], [4, 4], [3, 1]):
        total = sum(2 ** -(model.bits([*context, code]) - model.bits(context)) for code in range(5))
        assert total == pytest.approx(1.0)


def test_ngram_against_a_sum_by_hand() -> None:
    model = NGram(1, 4).fit([[0, 0, 1]])
    # Witten-Bell: (2 + 2 / 4) / (3 + 2), (1 + 2 / 4) / 5, (0 + 2 / 4) / 5
    assert model.bits([0, 1, 2]) == pytest.approx(-log2(0.5) - log2(0.3) - log2(0.1))


def test_guessing_of_what_is_known_and_of_noise() -> None:
    rng = np.random.default_rng(1)
    fixed = {f"u{i}": np.array([0, 1, 2, 3] * 10) for i in range(20)}
    assert guessing(fixed, fixed, 4, RATE)["bps"] < 0.1 * 2 * RATE
    noise = [{f"u{i}": rng.integers(0, 4, 40) for i in range(200)} for _ in range(2)]
    found = guessing(*noise, 4, RATE)
    assert found["bps"] == pytest.approx(2 * RATE, rel=0.02)
    assert found["ci95"][0] < found["bps"] < found["ci95"][1] and found["perplexity"] == pytest.approx(4.0, rel=0.05)


def test_words_that_are_in_the_codes() -> None:
    codes, labels, speakers = spoken(CLEAR)
    found = word_information(codes, labels, speakers, RATE)
    assert found["pnmi"] == pytest.approx(1.0) and found["purity"] == 1.0
    assert found["pnmi_shuffled"] < 0.1
    assert found["without_utts"].keys() == codes.keys() and found["without_speakers"].keys() == {"a", "b"}
    half = {utt: codes[utt] for utt in codes if speakers[utt] == "a"}
    alone, chance = word_information(half, labels, speakers, RATE), found["without_speakers"]["b"]
    assert chance["pnmi"] == pytest.approx(alone["pnmi"] - alone["pnmi_shuffled"], abs=0.05)
    assert sequence_information(codes, labels, RATE)["snmi"] > 0.9


def test_words_that_are_not() -> None:
    codes, labels, speakers = spoken(DEAF)
    assert word_information(codes, labels, speakers, RATE)["pnmi"] == pytest.approx(0.0, abs=1e-9)
    assert sequence_information(codes, labels, RATE)["snmi"] == pytest.approx(0.0, abs=1e-9)
    # a codebook of noise looks informative, and its baseline says so
    noisy, labels, _ = spoken(DEAF, noise=1.0)
    found, sequences = word_information(noisy, labels, speakers, RATE), sequence_information(noisy, labels, RATE)
    assert found["pnmi"] > 0.05 and found["pnmi"] == pytest.approx(found["pnmi_shuffled"], abs=0.03)
    assert sequences["snmi"] == pytest.approx(sequences["snmi_shuffled"], abs=0.03)


def test_word_distances() -> None:
    codes, labels, speakers = spoken(CLEAR)
    assert word_distances(codes, labels, speakers, RATE) == {"same_speaker": 0.0, "other_speaker": 0.0, "other_word": 1.0}
    noisy = word_distances(*spoken(CLEAR, noise=0.3), RATE)
    assert 0.2 < noisy["same_speaker"] < noisy["other_word"]
    assert word_distances(codes, labels, dict.fromkeys(codes, "a"), RATE)["other_speaker"] is None


def test_lengths() -> None:
    found = lengths({"u": np.array([1, 1, 1, 2, 2, 3])}, {"u": "one two"}, RATE)
    assert found == {"per_word": 3.0, "per_character": pytest.approx(6 / 7), "runs_per_second": 5.0}


def of_speakers(n: int, telling: bool) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    rng = np.random.default_rng(n)
    speakers = {f"u{i}": "abc"[i % 3] for i in range(n)}
    return {utt: rng.integers(0, 8, 30) + 4 * telling * "abc".index(who) for utt, who in speakers.items()}, speakers


def test_speaker_leakage() -> None:
    told = speaker_leakage(*of_speakers(90, True), *of_speakers(60, True))
    assert told["accuracy"] > 0.9 and told["learned_on"] == "training set"
    assert (told["chance"], told["n_speakers"]) == (pytest.approx(1 / 3), 3)
    hidden = speaker_leakage(*of_speakers(90, False), *of_speakers(60, False))
    assert hidden["ci95"][0] < 0.45


def test_speakers_that_the_training_set_has_not() -> None:
    codes, speakers = of_speakers(60, True)
    strangers = {utt: f"other {who}" for utt, who in speakers.items()}
    assert speaker_leakage(codes, speakers, codes, strangers)["learned_on"] == "5 parts of the set"
    few = dict(list(codes.items())[:7])
    assert "fewer than 5 utterances" in speaker_leakage(codes, speakers, few, strangers)["not_run"]
    assert speaker_leakage(codes, speakers, codes, dict.fromkeys(codes, "a")) == {"not_run": "one speaker"}


def test_command(tmp_path: Path) -> None:
    paths = make_experiment(tmp_path / "egs/digits/slm1")
    tokens, raw = paths.root / "dump/tokens/none_25hz-0123abcd", paths.root / "dump/raw"
    ctm = tmp_path / "ctm"
    ctm.write_text("ann-000 1 0.0 0.3 W\nann-000 1 0.3 0.3 AH\n")
    words = ["--data", raw / "test", "--tokens", tokens / "test", "--train_data", raw / "dev", "--train_tokens", tokens / "dev"]
    for extra in ([], ["--ctm", ctm]):
        main([str(word) for word in [*words, "--out", tmp_path / f"probes{len(extra)}.json", *extra]])
    found, aligned = (json.loads((tmp_path / f"probes{n}.json").read_text()) for n in (0, 2))
    assert list(found["streams"]) == ["semantic", "acoustic1", "acoustic2"]
    assert found["streams"]["semantic"]["words"]["not_run"].startswith("the set has neither")
    assert 0 <= aligned["streams"]["acoustic1"]["words"]["pnmi"] <= 1
    assert aligned["word_distances"]["same_speaker"] is None
    made_up = json.loads((paths.exp / "tok_none_25hz/eval/test/probes.json").read_text())
    assert made_up.keys() == aligned.keys()
    assert made_up["streams"]["semantic"].keys() == aligned["streams"]["semantic"].keys()
    for key in ("guessing", "word_distances", "lengths"):
        assert made_up[key].keys() == aligned[key].keys()
    assert (found["set"], found["n_utts"], found["frame_rate"]) == ("test", 6, 25.0)


def test_place() -> None:
    clock = {f"u{i}": np.repeat(np.arange(4), 5) for i in range(100)}  # half a second a code
    assert place_information(clock, RATE)["bits"] == pytest.approx(2.0)
    noise = {utt: np.random.default_rng(i).integers(0, 4, 20) for i, utt in enumerate(clock)}
    found = place_information(noise, RATE)
    assert found["bits"] == pytest.approx(found["bits_shuffled"], abs=0.01) and found["bits"] < 0.02
