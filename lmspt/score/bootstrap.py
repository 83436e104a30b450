"""Confidence intervals and comparisons by the percentile bootstrap, seeded.

What is resampled are utterances, or whole speakers when their sums are passed in; what is measured is a ratio pooled
over the set (errors over words), never a mean of ratios. A mean is the ratio whose totals are all one. The interval of
a set without a single error is [0, 0]: the bootstrap cannot see what did not happen (three over the number of words is
an upper bound for that case).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

N_RESAMPLES = 2000
SEED = 20260101
LEVEL = 0.95


def ratio_interval(values: np.ndarray, totals: np.ndarray) -> tuple[float, float]:
    """95 % interval of ``values.sum() / totals.sum()``.

    Args:
        values: (N,) errors of each unit.
        totals: (N,) words of each unit.
    """
    ratios = [(w @ values) / np.maximum(w @ totals, 1e-12) for w in _resamples(len(values))]
    return _interval(np.concatenate(ratios))


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of ``values`` (N,)."""
    return ratio_interval(values, np.ones(len(values)))


def paired_difference(values_a: np.ndarray, values_b: np.ndarray, totals: np.ndarray) -> dict[str, float | list[float]]:
    """Difference of two pooled ratios on the same units, a minus b, by resampling the units once for both.

    Args:
        values_a: (N,) errors of system a on each utterance.
        values_b: (N,) errors of system b on the same utterances, in the same order.
        totals: (N,) words.

    Returns:
        ``difference``, ``ci95`` and ``p``: twice the share of resamples on the far side of zero (0 counts for both).
    """
    delta = np.asarray(values_a, float) - np.asarray(values_b, float)
    differences = np.concatenate([(w @ delta) / np.maximum(w @ totals, 1e-12) for w in _resamples(len(delta))])
    far = min(np.mean(differences <= 0), np.mean(differences >= 0))
    return {
        "difference": float(delta.sum() / np.sum(totals)),
        "ci95": list(_interval(differences)),
        "p": float(min(1.0, 2 * far)),
    }


def _resamples(n_units: int) -> Iterator[np.ndarray]:
    """How often each unit is drawn, in blocks of (n, N) that add up to ``N_RESAMPLES`` rows."""
    rng = np.random.default_rng(SEED)
    block = 200  # 200 x 10,000 utterances is 16 MB
    for _ in range(N_RESAMPLES // block):
        yield rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=block).astype(float)


def _interval(samples: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
