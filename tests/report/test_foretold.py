"""Which probe is drawn against the error rate, and of which systems."""

from __future__ import annotations

from typing import Any

from lmspt.report.foretold import closest, foretold

CORRELATIONS = {
    "PNMI": {"asr": {"rho": 0.5, "n": 9}, "tts": {"not_run": "2 systems, 5 are wanted"}},
    "purity": {"asr": {"rho": -0.9, "n": 9}, "tts": {"not_run": "2 systems, 5 are wanted"}},
    "place, bit": {"asr": {"rho": 1.0, "n": 5}},  # run on few, which agree more easily
    "perplexity": {"asr": {"not_run": "one of the two is the same for all systems"}, "tts": {"not_run": "0 systems, 5 are wanted"}},
}


def group(objective: str, frame_rate: float, wer: float, purity: float | None) -> dict[str, Any]:
    return {
        "objective": objective,
        "frame_rate": frame_rate,
        "asr": {"test": {"wer": wer, "ci95": [wer - 0.01, wer + 0.01]}},
        "tts": {"test": {"not_run": "no judge was asked"}},
        "probes": {"test": {"purity": purity, "PNMI": 0.1, "perplexity": None}},
    }


def test_the_closest_probe_may_fall_with_errors() -> None:
    assert closest(CORRELATIONS, "asr") == "purity"
    assert closest(CORRELATIONS, "tts") is None and closest({}, "asr") is None


def test_picture() -> None:
    groups = [group("resynthesis", 12.5, 0.1, 0.4), group("none", 6.25, 0.7, 0.2), group("none", 25.0, 0.3, None)]
    joint = {
        "groups": groups,
        "probe_correlations": {"test": CORRELATIONS, "alone": {}},
        "comparisons": {"test": {"asr": [], "tts": []}, "alone": {"asr": []}},
    }
    pictures = foretold(joint)
    assert list(pictures) == ["probes_test.svg"], "nothing is known of the other set"
    svg = pictures["probes_test.svg"]
    assert all(
        f">{text}<" in svg for text in ("purity", "(rho -0.90)", "ASR WER % on test", "resynthesis", "none", "6.25 Hz", "25 Hz")
    )
    assert "TTS" not in svg and "currentColor" not in svg
    points = svg.count("<use")
    groups[2]["probes"]["test"]["purity"] = 0.3
    assert foretold(joint)["probes_test.svg"].count("<use") > points, "what was not probed has no point"
