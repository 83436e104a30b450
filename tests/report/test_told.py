"""What codes tell, of systems: means over tokenizers, intervals, differences; and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from lmspt.errors import InputError
from lmspt.report.told import MEASURES, differences, told, words_of


def words(pnmi: float, spread: float, n_utts: int = 8, seed: int = 0) -> dict:
    """As in a ``probes.json``: its measures, and what they are without each utterance and each of two speakers."""
    noise = spread * np.random.default_rng(seed).standard_normal(n_utts)
    utts = {f"u{i}": {"pnmi": pnmi - 0.1 + x, "purity": 0.3} for i, x in enumerate(noise - noise.mean())}
    speakers = {name: {"pnmi": pnmi - 0.1 + x, "purity": 0.3} for name, x in zip("ab", (spread, -spread), strict=True)}
    shuffled = {"pnmi_shuffled": 0.1, "purity_shuffled": 0.2}
    return {"pnmi": pnmi, "purity": 0.5, **shuffled, "without_utts": utts, "without_speakers": speakers}


def test_value_and_intervals() -> None:
    found = told([words(0.6, 0.01)], "pnmi")
    assert found["value"] == pytest.approx(0.5)
    low, high = found["ci95"]
    assert low < 0.5 < high and (low + high) / 2 == pytest.approx(0.5)
    wide = found["ci95_speakers"]
    assert wide[0] < low and high < wide[1]
    assert told([words(0.6, 0.01)], "purity")["ci95"] == pytest.approx([0.3, 0.3])


def test_several_tokenizers_are_their_mean() -> None:
    pair = [words(0.6, 0.01), words(0.4, 0.01)]
    assert told(pair, "pnmi")["value"] == pytest.approx(0.4)
    assert told(pair, "pnmi")["ci95"] == pytest.approx([edge - 0.1 for edge in told(pair[:1], "pnmi")["ci95"]])


def test_one_speaker_has_no_interval_by_speakers() -> None:
    alone = {**words(0.6, 0.01), "without_speakers": {}}
    assert told([alone], "pnmi").keys() == {"value", "ci95", "p"}


def test_differences_are_paired() -> None:
    systems = {"a": [words(0.6, 0.05)], "b": [words(0.5, 0.05)], "c": [words(0.5, 0.05, seed=1)]}
    a_b, a_c, b_c = differences(systems, "pnmi")
    assert (a_b["a"], a_b["b"], a_b["difference"]) == ("a", "b", pytest.approx(0.1))
    assert a_b["ci95"] == pytest.approx([0.1, 0.1]), "both vary alike: nothing is left of it"
    assert a_c["ci95"][0] < 0.1 < a_c["ci95"][1] and a_c["ci95"][1] - a_c["ci95"][0] > 0.05
    assert b_c["difference"] == 0 and b_c["p"] == 1.0 and a_b["p_holm"] == pytest.approx(3 * a_b["p"])
    assert differences({"a": systems["a"]}, "pnmi") == []


def test_other_utterances_are_refused() -> None:
    with pytest.raises(InputError, match=r"a and b were probed on other utterances, e.g. 'u7'; run stage 6 for both"):
        differences({"a": [words(0.6, 0.01)], "b": [words(0.6, 0.01, n_utts=7)]}, "pnmi")


@pytest.mark.parametrize("part", [{"not_run": "no labels"}, {"pnmi": 0.5, "pnmi_shuffled": 0.1}, {"without_utts": {}}])
def test_probes_without_intervals(part: dict) -> None:
    def probes(words: dict) -> dict:
        return {"streams": {"acoustic1": {"semantic": False}, "semantic": {"semantic": True, "words": words}}}

    assert words_of([probes(words(0.6, 0.01)), probes(part)]) == []
    assert len(words_of([probes(words(0.6, 0.01))])) == 1


def test_measures_have_names() -> None:
    assert set(MEASURES) <= words(0.6, 0.01).keys()
