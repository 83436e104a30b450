from __future__ import annotations

import numpy as np
import pytest

from lmspt.score import bootstrap
from lmspt.score.bootstrap import (
    holm,
    mean_interval,
    paired_difference,
    paired_differences,
    rank_correlation,
    ratio_interval,
    sums_by,
)


def test_interval_is_the_same_every_time() -> None:
    errors, words = np.array([0, 1, 0, 2]), np.array([3, 4, 5, 3])
    assert ratio_interval(errors, words) == ratio_interval(errors, words)


def test_interval_of_a_constant_ratio_is_a_point() -> None:
    assert ratio_interval(np.array([1, 2, 3]), np.array([2, 4, 6])) == (0.5, 0.5)
    assert ratio_interval(np.array([0, 0]), np.array([3, 3])) == (0.0, 0.0)


def test_interval_of_a_mean_is_close_to_the_normal_one() -> None:
    values = np.random.default_rng(0).normal(3.0, 1.0, 400)
    low, high = mean_interval(values)
    half = 1.96 * values.std() / np.sqrt(400)
    np.testing.assert_allclose([low, high], [values.mean() - half, values.mean() + half], atol=0.01)


def test_coverage() -> None:
    """Of 95 % intervals from sets of 100 utterances, about 95 in 100 hold the true rate."""
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        words = rng.integers(3, 7, 100)
        low, high = ratio_interval(rng.binomial(words, 0.2), words)
        held += low <= 0.2 <= high
    assert 0.90 <= held / 200 <= 0.99


def test_paired_difference_sees_what_unpaired_intervals_do_not() -> None:
    rng = np.random.default_rng(2)
    words = rng.integers(3, 7, 200)
    a = rng.binomial(words, 0.3)
    b = np.maximum(a - (rng.random(200) < 0.1), 0)  # one word better here and there, on the same utterances
    found = paired_difference(a, b, words)
    assert found["difference"] == (a.sum() - b.sum()) / words.sum()
    assert found["ci95"][0] > 0
    assert found["p"] < 0.01
    assert ratio_interval(a, words)[0] < ratio_interval(b, words)[1]  # the two intervals overlap


def test_paired_difference_of_equals() -> None:
    a = np.array([1, 0, 2, 0])
    assert paired_difference(a, a, np.full(4, 5)) == {"difference": 0.0, "ci95": [0.0, 0.0], "p": 1.0}


def test_p_is_never_zero_and_never_above_one() -> None:
    words = np.full(50, 4)
    worse, better = np.full(50, 2), np.zeros(50)
    assert 0 < paired_difference(worse, better, words)["p"] == 2 / 10_001
    assert paired_difference(better, worse, words)["difference"] == -0.5


def test_false_alarms(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two systems that are alike differ at 5 % about one time in twenty."""
    monkeypatch.setattr(bootstrap, "N_COMPARED", 600)
    rng = np.random.default_rng(3)
    words = np.full(100, 5)
    p = [paired_difference(rng.binomial(words, 0.2), rng.binomial(words, 0.2), words)["p"] for _ in range(60)]
    assert np.mean(np.array(p) < 0.05) <= 0.15
    assert 0.3 < np.mean(p) < 0.7


def test_speakers_widen_the_interval_when_they_differ() -> None:
    rng = np.random.default_rng(4)
    speakers = np.repeat(list("abcdef"), 40)
    words = np.full(240, 5)
    errors = rng.binomial(words, np.repeat([0.02, 0.05, 0.1, 0.2, 0.4, 0.5], 40))
    by_speaker = ratio_interval(sums_by(speakers, errors), sums_by(speakers, words))
    by_utterance = ratio_interval(errors, words)
    assert by_speaker[0] < by_utterance[0] and by_utterance[1] < by_speaker[1]


def test_sums_by() -> None:
    values = np.array([[1, 2, 3], [0, 1, 1]])
    assert sums_by(["b", "a", "b"], values).tolist() == [[2, 4], [1, 1]]


def test_seeds_are_pooled_and_their_spread_counts() -> None:
    words = np.full(200, 5)
    one = np.random.default_rng(5).binomial(words, 0.2)
    same, spread = np.stack([one, one, one]), np.stack([one, np.minimum(one + 1, 5), np.maximum(one - 1, 0)])
    low, high = ratio_interval(one, words)
    assert ratio_interval(same, words) == pytest.approx((low, high))
    wide = ratio_interval(spread, words)
    assert wide[0] < low and high < wide[1]
    # errors of one seed are no news for a system whose seeds differ as much
    assert paired_difference(spread, one, words)["p"] > 0.3


def test_more_language_models_on_the_same_tokenizers_are_no_more_tokenizers() -> None:
    words = np.full(200, 5)
    one = np.random.default_rng(5).binomial(words, 0.2)
    other = np.minimum(one + 1, 5)
    twice = ratio_interval([one[None], other[None]], words)
    assert ratio_interval([np.stack([one] * 3), np.stack([other] * 3)], words) == pytest.approx(twice, abs=0.005)
    flat = ratio_interval(np.stack([one] * 3 + [other] * 3), words)
    assert flat[1] - flat[0] < 0.85 * (twice[1] - twice[0])
    # nor does a tokenizer count more than another for having more of them
    uneven = paired_difference([np.stack([one] * 3), other[None]], one, words)
    assert uneven["difference"] == pytest.approx((other.sum() - one.sum()) / 2 / words.sum())


def test_models_of_one_tokenizer_are_drawn_as_any_seeds() -> None:
    words = np.full(50, 5)
    seeds = np.random.default_rng(5).binomial(words, 0.2, (3, 50))
    assert ratio_interval([seeds], words) == ratio_interval(seeds, words) == ratio_interval(list(seeds[:, None]), words)


def test_all_pairs() -> None:
    words = np.full(100, 5)
    rng = np.random.default_rng(6)
    values = {name: rng.binomial(words, share) for name, share in (("a", 0.1), ("b", 0.1), ("c", 0.4))}
    pairs = {(pair["a"], pair["b"]): pair for pair in paired_differences(values, words)}
    assert list(pairs) == [("a", "b"), ("a", "c"), ("b", "c")]
    assert pairs["a", "c"]["difference"] == pytest.approx((values["a"].sum() - values["c"].sum()) / 500)
    assert pairs["a", "c"]["ci95"][1] < 0 < pairs["a", "b"]["ci95"][1]


def test_an_interval_is_the_same_in_any_company() -> None:
    words = np.full(60, 5)
    rng = np.random.default_rng(8)
    values = {name: rng.binomial(words, 0.2, (3, 60)) for name in "abcdefghijkl"}
    few, many = (paired_differences(some, words) for some in ({name: values[name] for name in "ca"}, values))
    (alone,) = few
    (among,) = (pair for pair in many if {pair["a"], pair["b"]} == {"a", "c"})
    assert among["ci95"] == pytest.approx([-edge for edge in alone["ci95"][::-1]])


def test_what_differs_still_differs_among_many() -> None:
    """However many systems there are, p can be small when it is corrected for the number of their pairs."""
    words = np.full(20, 5)
    values = {"bad": np.full(20, 5), **{f"good{i}": np.ones(20) for i in range(25)}}
    corrected = holm([pair["p"] for pair in paired_differences(values, words)])
    assert len(corrected) == 325 and max(corrected[:25]) < 0.05 and min(corrected[25:]) == 1.0


def test_rank_correlation() -> None:
    x = np.arange(8.0)
    assert rank_correlation(x, -x)["rho"] == pytest.approx(-1.0)
    found = rank_correlation(x, np.array([1.0, 0, 3, 2, 5, 4, 7, 6]))
    assert found["rho"] == pytest.approx(1 - 6 * 8 / (8 * 63))  # no ties: 1 - 6 sum d^2 / n (n^2 - 1)
    assert found["ci95"][0] < found["rho"] < found["ci95"][1] and found["n"] == 8
    # equal values share a rank: Pearson's correlation of (1.5, 1.5, 3) and (1, 2, 3)
    assert rank_correlation(np.array([1.0, 1, 2]), np.array([1.0, 2, 3]))["rho"] == pytest.approx(np.sqrt(3) / 2)
    assert rank_correlation(np.ones(5), x[:5])["not_run"]


def test_draws_in_which_nothing_varies_are_counted() -> None:
    found = rank_correlation(np.array([1.0, 1, 2]), np.array([1.0, 2, 3]))
    assert 0 < found["undefined"] < 2000 and np.isfinite(found["ci95"]).all()


def test_holm_against_its_table() -> None:
    # of R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []
