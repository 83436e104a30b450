from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lmspt.errors import InputError
from lmspt.score.contract import require_same, text_contract
from lmspt.score.normalize import find_normalizer
from lmspt.score.trn import alignment, speaker_table, write_trn
from lmspt.score.wer import align, summarise

NONE = find_normalizer("none")
REFS = {"a-1": "one two three", "a-2": "four five", "b-1": "six seven eight nine"}
SPEAKERS = {"a-1": "a", "a-2": "a", "b-1": "b"}


def score(hyps: dict[str, str], refs: dict[str, str] = REFS) -> dict:
    return summarise(align(refs, hyps, SPEAKERS, NONE))


def test_counts_by_hand() -> None:
    # one substitution and one insertion; two deletions; nothing
    result = score({"a-1": "one too three three", "a-2": "", "b-1": "six seven eight nine"})
    assert (result["sub"], result["ins"], result["del"]) == (1, 1, 2)
    assert (result["errors"], result["n_words"], result["n_utts"]) == (4, 9, 3)
    assert result["wer"] == 4 / 9  # pooled; the mean over utterances would be (2/3 + 1 + 0) / 3
    assert result["empty"] == 1
    assert result["by_speaker"]["a"]["wer"] == 4 / 5
    assert result["by_speaker"]["b"]["wer"] == 0
    # "too" for "two" is one character, " three" six, "four five" nine; characters of the references 13 + 9 + 20
    assert result["cer"] == pytest.approx(16 / 42)
    assert [u["errors"] for u in result["utts"]] == [2, 2, 0]


def test_intervals_hold_the_rate() -> None:
    result = score({"a-1": "one too three three", "a-2": "", "b-1": "six seven eight nine"})
    for key in ("ci95", "ci95_speakers"):
        low, high = result[key]
        assert low <= result["wer"] <= high
    assert result["ci95_speakers"] == (0.0, 0.8)  # two speakers: the extremes are each one drawn twice


def test_missing_hypothesis_is_an_error() -> None:
    with pytest.raises(InputError, match="1 of 3 utterances have no hypothesis, the first is 'b-1'"):
        score({"a-1": "one", "a-2": "two"})


def test_hypothesis_without_reference_is_an_error() -> None:
    with pytest.raises(InputError, match="'c-1'"):
        score({**dict.fromkeys(REFS, "one"), "c-1": "one"})


def test_reference_without_words_is_an_error() -> None:
    refs, hyps = {"a-1": "..."}, {"a-1": "one"}
    with pytest.raises(InputError, match=r"'a-1'.*empty"):
        align(refs, hyps, SPEAKERS, find_normalizer("english"))


def test_order_of_hypotheses_does_not_matter() -> None:
    hyps = {"b-1": "six", "a-2": "four five", "a-1": "one"}
    assert score(hyps) == score(dict(sorted(hyps.items())))


@given(st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=6), st.lists(st.sampled_from("abc"), max_size=6))
def test_counts_agree_with_the_lengths(ref: list[str], hyp: list[str]) -> None:
    (utterance,) = align({"a-1": " ".join(ref)}, {"a-1": " ".join(hyp)}, SPEAKERS, NONE)
    sub, deleted, inserted, hits = (utterance.count(op) for op in "SDIC")
    assert hits + sub + deleted == len(ref)
    assert hits + sub + inserted == len(hyp)
    assert utterance.errors <= max(len(ref), len(hyp))


def test_trn_and_table(tmp_path: Path) -> None:
    utterances = align(REFS, {"a-1": "one too three four", "a-2": "", "b-1": REFS["b-1"]}, SPEAKERS, NONE)
    write_trn(tmp_path, utterances)
    assert (tmp_path / "ref.trn").read_text().splitlines()[0] == "one two three\t(a-1)"
    assert (tmp_path / "hyp.trn").read_text().splitlines()[1] == "\t(a-2)"
    assert (tmp_path / "result.txt").read_text().startswith(speaker_table(utterances))
    (total,) = [line for line in speaker_table(utterances).splitlines() if "Sum/Avg" in line]
    assert total.split() == ["|", "Sum/Avg", "|", "3", "9", "|", "66.7", "11.1", "22.2", "11.1", "44.4", "66.7", "|"]
    assert alignment(utterances[0]).splitlines() == [
        "id: (a-1)",
        "Scores: (#C #S #D #I) 2 1 0 1",
        "REF:  one TWO three ****",
        "HYP:  one TOO three FOUR",
        "Eval:     S         I",
    ]


def test_contracts_that_differ_are_refused() -> None:
    contracts = {"a/result.json": text_contract(NONE), "b/result.json": text_contract(find_normalizer("digits"))}
    with pytest.raises(InputError, match=r"a/result.json and b/result.json .*normalizer: none and digits"):
        require_same(contracts)
    assert require_same({"a": text_contract(NONE), "b": text_contract(NONE)})["normalizer"] == "none"


def test_results_are_finite_json() -> None:
    result = score({"a-1": "", "a-2": "", "b-1": ""})
    assert result["wer"] == 1.0
    assert np.isfinite(result["ci95"]).all()
