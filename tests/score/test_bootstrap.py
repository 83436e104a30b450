from __future__ import annotations

import numpy as np

from lmspt.score.bootstrap import mean_interval, paired_difference, ratio_interval


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
