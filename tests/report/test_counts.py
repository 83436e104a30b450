"""Errors by utterance: pooled over seeds, compared in pairs, kept in a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lmspt.errors import InputError
from lmspt.report.counts import Counts, comparisons, counts_of, pooled, read_counts, write_counts
from lmspt.score.bootstrap import ratio_interval


def result(errors: dict[str, int]) -> dict[str, Any]:
    """A ``result.json`` of utterances of four words."""
    utts = [{"utt": utt, "speaker": utt[0], "errors": count, "n_words": 4} for utt, count in errors.items()]
    return {"utts": utts}


ONE, TWO = {"b-1": 1, "a-1": 0, "a-2": 2}, {"a-1": 1, "a-2": 3, "b-1": 1}


def test_one_seed_is_what_it_was() -> None:
    found = pooled(counts_of({"x": result(ONE)}))
    assert found["wer"] == 0.25 and found["seeds"] == {"n": 1, "wer": [0.25]}
    assert found["ci95"] == ratio_interval(np.array([0, 2, 1]), np.array([4, 4, 4]))
    assert (found["n_utts"], found["n_words"]) == (3, 12)


def test_seeds_are_pooled_by_key() -> None:
    counts = counts_of({"s1": result(ONE), "s2": result(TWO)})
    assert counts.utts == ("a-1", "a-2", "b-1") and counts.speakers == ("a", "a", "b")
    assert counts.errors.tolist() == [[0, 2, 1], [1, 3, 1]]
    found = pooled(counts)
    assert found["wer"] == pytest.approx(4 / 12)
    assert found["seeds"]["wer"] == pytest.approx([3 / 12, 5 / 12])
    assert found["seeds"]["sd"] == pytest.approx(np.std([3 / 12, 5 / 12], ddof=1))
    assert counts.of_speaker("a").errors.tolist() == [[0, 2], [1, 3]]


def test_a_tokenizer_counts_once_however_many_language_models_it_has() -> None:
    results = {"t1_s1": result(ONE), "t1_s2": result(TWO), "t2_s1": result({"a-1": 4, "a-2": 4, "b-1": 4})}
    counts = counts_of(results, {name: name[:2] for name in results})
    assert [block.tolist() for block in counts.blocks] == [[[0, 2, 1], [1, 3, 1]], [[4, 4, 4]]]
    assert counts.wer == pooled(counts)["wer"] == pytest.approx((4 / 12 + 1) / 2)
    assert counts.of_speaker("a").wer == pytest.approx((3 / 8 + 1) / 2)
    other = counts_of({"x": result(ONE)})
    assert comparisons({"both": counts, "x": other})[0]["difference"] == pytest.approx(counts.wer - 0.25)


def test_missing_utterances_are_refused() -> None:
    with pytest.raises(InputError, match=r"s2 has no score of utterance 'b-1', which s1 has"):
        counts_of({"s1": result(ONE), "s2": result({"a-1": 0, "a-2": 0})})
    with pytest.raises(InputError, match=r"old has no score of utterance 'c-1', which new has"):
        comparisons({"old": counts_of({"old": result(ONE)}), "new": counts_of({"new": result({**ONE, "c-1": 0})})})


@pytest.mark.parametrize("change", [{"n_words": 5}, {"speaker": "c"}])
def test_the_same_name_on_other_data_is_refused(change: dict[str, Any]) -> None:
    other = result(ONE)
    other["utts"][0] |= change
    with pytest.raises(InputError, match=r"utterance 'b-1' is 4 words of b to old, and . words of . to new: .* other data"):
        comparisons({"old": counts_of({"old": result(ONE)}), "new": counts_of({"new": other})})


def test_results_without_speakers_are_refused() -> None:
    old = result(ONE)
    for row in old["utts"]:
        del row["speaker"]
    with pytest.raises(InputError, match="have no 'speaker'; score it again"):
        counts_of({"x": old})


def test_all_pairs_are_corrected_for_their_number() -> None:
    rng = np.random.default_rng(0)
    utts = {f"{speaker}-{i}": 0 for speaker in "abc" for i in range(40)}
    shares = {"good": 0.1, "same": 0.1, "bad": 0.4}
    systems = {name: counts_of({name: result({u: int(rng.binomial(4, share)) for u in utts})}) for name, share in shares.items()}
    pairs = {(pair["a"], pair["b"]): pair for pair in comparisons(systems)}
    assert len(pairs) == 3
    worse = pairs["good", "bad"]
    assert worse["difference"] < -0.2 and worse["ci95"][1] < 0 and worse["ci95_speakers"][1] < 0
    assert worse["p"] < worse["p_holm"] == pytest.approx(3 * worse["p"])
    assert pairs["good", "same"]["p_holm"] > 0.05
    assert comparisons({"good": systems["good"]}) == []


def test_table_gives_back_what_it_was_given(tmp_path: Path) -> None:
    path = tmp_path / "counts.tsv"
    asr = {"x_s1": result(ONE), "x_s2": result(TWO), "mute": result(ONE)}
    write_counts(path, {("test", "asr"): asr, ("test", "tts"): {"x_s1": result(TWO), "x_s2": result(ONE)}})
    found = read_counts(path, {"x_s1": "x", "x_s2": "x"})
    assert list(found) == [("test", "asr"), ("test", "tts")]
    assert found["test", "tts"].errors.tolist() == [[1, 3, 1], [0, 2, 1]]
    assert found["test", "asr"].words.tolist() == [4, 4, 4] and found["test", "asr"].speakers == ("a", "a", "b")
    assert list(read_counts(path, {"mute": "m"})) == [("test", "asr")]
    assert isinstance(found["test", "asr"], Counts)


def test_tables_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "counts.tsv"
    with pytest.raises(InputError, match=r"counts.tsv: no such file.*run stage 13"):
        read_counts(path, {"x": "x"})
    write_counts(path, {("test", "asr"): {"x": result(ONE)}})
    with pytest.raises(InputError, match="has no column 'y'"):
        read_counts(path, {"y": "y"})
    path.write_text(path.read_text() + "test\tasr\ttorn\n")
    with pytest.raises(InputError, match=r"counts.tsv:5: .* is no line of counts"):
        read_counts(path, {"x": "x"})


def test_a_task_has_the_seeds_that_were_scored_on_it(tmp_path: Path) -> None:
    path = tmp_path / "counts.tsv"
    head = "set\ttask\tutt\tspeaker\twords\tx_s1\tx_s2\n"
    asr = "test\tasr\ta\tann\t3\t0\t1\ntest\tasr\tb\tbob\t2\t1\t1\n"
    path.write_text(head + asr + "test\ttts\ta\tann\t3\t-\t2\ntest\ttts\tb\tbob\t2\t-\t0\n")
    found = read_counts(path, {"x_s1": "x", "x_s2": "x"})
    assert found["test", "asr"].errors.tolist() == [[0, 1], [1, 1]] and found["test", "tts"].errors.tolist() == [[2, 0]]
    path.write_text(head + asr + "test\ttts\ta\tann\t3\t1\t2\ntest\ttts\tb\tbob\t2\t-\t0\n")
    with pytest.raises(InputError, match="a seed has tts scores of only some utterances of test; run stage 13"):
        read_counts(path, {"x_s1": "x", "x_s2": "x"})
