"""What codes tell: values by hand, and intervals that are as wide as what they are the interval of varies."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from lmspt.score.information import information_bits, jackknife, told, told_above_chance


def test_bits() -> None:
    labels = np.arange(4000) % 4
    assert information_bits(labels, labels) == pytest.approx(2.0)
    assert information_bits(labels, labels // 2) == pytest.approx(1.0)
    assert information_bits(labels, np.random.default_rng(0).permutation(labels)) < 0.01


def test_told_by_hand() -> None:
    found = told(np.array(["a", "a", "b", "b"]), np.array([7, 7, 7, 9]))
    # H(label) = 1; given 7: two of three are a; given 9: b
    assert found["pnmi"] == pytest.approx(1 - 0.75 * (np.log2(3) - 2 / 3))
    assert found["purity"] == pytest.approx(3 / 4)


def test_without_a_unit_is_without_its_rows() -> None:
    rng = np.random.default_rng(0)
    labels, codes, units = rng.integers(0, 5, 300), rng.integers(0, 20, 300), rng.choice(["x", "y", "z"], 300)
    shuffled = rng.permutation(labels)
    found = told_above_chance(labels, codes, shuffled, units)
    assert sorted(found) == ["x", "y", "z"]
    for unit, measures in found.items():
        rest = units != unit
        true, chance = told(labels[rest], codes[rest]), told(shuffled[rest], codes[rest])
        assert measures == {key: pytest.approx(true[key] - chance[key], abs=1e-6) for key in true}


def test_jackknife_of_a_mean_is_students() -> None:
    values = np.array([1.0, 2.0, 4.0, 7.0])
    without = [np.delete(values, i).mean() for i in range(4)]
    low, high, p = jackknife(values.mean(), without)
    reach = 3.18245 * values.std(ddof=1) / 2  # the 97.5th percentile of Student's t with three degrees of freedom
    assert (low, high) == (pytest.approx(3.5 - reach, abs=1e-4), pytest.approx(3.5 + reach, abs=1e-4))
    assert p == pytest.approx(ttest_1samp(values, 0.0).pvalue)
    assert jackknife(0.0, [0.0, 0.0]) == (0.0, 0.0, 1.0) and jackknife(1.0, [1.0, 1.0])[2] == 0.0
    with pytest.raises(ValueError, match="two units"):
        jackknife(1.0, [1.0])


def draw(rng: np.random.Generator, n_units: int = 40) -> tuple[float, list[float]]:
    """PNMI above chance of one sample of utterances with voices of their own, and the same without each of them."""
    labels, units = rng.integers(0, 4, (n_units, 30)), np.repeat(np.arange(n_units), 30)
    clear = rng.beta(2, 2, (n_units, 1))
    codes = np.where(rng.random(labels.shape) < clear, labels, rng.integers(0, 16, labels.shape)).ravel()
    labels = labels.ravel()
    shuffled = rng.permutation(labels)
    value = told(labels, codes)["pnmi"] - told(shuffled, codes)["pnmi"]
    return value, [measures["pnmi"] for measures in told_above_chance(labels, codes, shuffled, units).values()]


def test_interval_holds_what_it_promises() -> None:
    """95 % of the intervals of a measure have its mean over samples in them; of 200, at least 88 %."""
    rng = np.random.default_rng(0)
    samples = [draw(rng) for _ in range(200)]
    truth = np.mean([value for value, _ in samples])
    edges = np.array([jackknife(value, without)[:2] for value, without in samples])
    assert 0.88 <= np.mean((edges[:, 0] <= truth) & (truth <= edges[:, 1])) <= 1.0
    assert np.mean(edges[:, 1] - edges[:, 0]) < 6 * np.std([value for value, _ in samples])
