"""Which systems are one line of the picture of a joint table, and that it is drawn where there is something to see."""

from __future__ import annotations

import re
from typing import Any

import pytest

from lmspt.report.arms import arms_of, pictures_of
from lmspt.report.plots import COLOURS

SCORES = {"none_25hz_small": 0.2, "resynthesis_25hz_small": 0.05, "none_6.25hz_small": 0.7, "kmeans_12.5hz_small": 0.02}


def score(wer: float) -> dict[str, Any]:
    return {"wer": wer, "ci95": [wer - 0.01, wer + 0.02]}


def benchmark(scores: dict[str, float]) -> dict[str, Any]:
    """A joint table of systems that do not speak."""
    groups = []
    for name, wer in scores.items():
        rate = float(re.search(r"([\d.]+)hz", name)[1])
        groups.append({"name": name, "frame_rate": rate, "asr": {"test": score(wer)}, "tts": {"test": {"not_run": "no decoder"}}})
    return {"groups": groups, "comparisons": {"test": {"asr": [], "tts": []}}}


def test_an_arm_is_a_system_at_all_rates() -> None:
    groups = benchmark(SCORES)["groups"]
    assert arms_of(groups, "asr", "test") == {
        "none": [(6.25, score(0.7)), (25.0, score(0.2))],
        "resynthesis": [(25.0, score(0.05))],
        "kmeans": [(12.5, score(0.02))],
    }
    assert arms_of(groups, "tts", "test") == {}


@pytest.mark.parametrize(
    ("names", "arms"),
    [
        (["a_25hz_small", "a_25hz_large"], ["a small", "a large"]),
        (["a_25hz_small"], ["a small"]),
        (["small_25hz", "a_small_25hz"], ["small", "a small"]),
        (["aux_12.5hz_t1_small", "a_b_12.5hz_small"], ["aux t1", "a b"]),
    ],
)
def test_what_all_share_is_left_out(names: list[str], arms: list[str]) -> None:
    assert list(arms_of(benchmark(dict.fromkeys(names, 0.1))["groups"], "asr", "test")) == arms


def test_an_arm_has_one_colour() -> None:
    joint = benchmark(SCORES)
    for group in joint["groups"]:
        if not group["name"].startswith("none"):
            group["tts"] = {"test": score(0.5)}
        group["tts_second"] = group["tts"]
    joint["comparisons"]["test"]["tts_second"] = []
    pictures = pictures_of(joint)
    spoken = pictures["tts_test.svg"]
    assert ">TTS WER % on test<" in spoken
    assert ">TTS, second judge, WER % on test<" in pictures["tts_second_test.svg"]
    assert COLOURS[1] in spoken and COLOURS[0] not in spoken, "the first arm is not in it"


def test_pictures() -> None:
    pictures = pictures_of(benchmark(SCORES))
    assert list(pictures) == ["asr_test.svg"], "nothing spoke"
    svg = pictures["asr_test.svg"]
    assert svg.startswith("<svg") and 'xmlns="http://www.w3.org/2000/svg"' in svg and "currentColor" not in svg
    assert all(f">{text}<" in svg for text in ("none", "resynthesis", "kmeans", "6.25", "12.5", "25", "ASR WER % on test"))
    assert pictures_of(benchmark({"none_25hz_small": 0.2, "resynthesis_25hz_small": 0.1})) == {}, "at one rate a table says it all"
