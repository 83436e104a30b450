"""Confidence intervals and comparisons by the percentile bootstrap, seeded.

What is resampled are utterances, or whole speakers when their sums are passed in; what is measured is a ratio pooled
over the set (errors over words), never a mean of ratios. A mean is the ratio whose totals are all one. The interval of
a set without a single error is [0, 0]: the bootstrap cannot see what did not happen (three over the number of words is
an upper bound for that case).

Where a system has several seeds (a row of values each), seeds and utterances are drawn crosswise, as if both came from a
larger population (Owen, "The pigeonhole bootstrap", 2007). Where the seeds are those of several tokenizers and of the language
models on each (a block of rows a tokenizer), tokenizers are drawn first, and then as many language models of each one drawn: more
models on the same tokenizers are no more tokenizers. Means are over tokenizers, of means over their models. With S seeds their
part of the variance comes out too small, (S - 1) / S of what it is: with two, half.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any
from zlib import crc32

import numpy as np

Values = np.ndarray | Sequence[np.ndarray]  # (N,), (S, N), or blocks of (S, N)

N_RESAMPLES = 2000
N_COMPARED = 10_000  # of a comparison
N_EACH = 200  # or for each of many: p can still be 0.01 when it is corrected for their number
SEED = 20260101
LEVEL = 0.95
ZERO = 1e-12  # differences below are none, but for rounding


def ratio_interval(values: Values, totals: np.ndarray) -> tuple[float, float]:
    """95 % interval of ``values.sum() / totals.sum()``, a mean over seeds where there are several.

    Args:
        values: (N,) or (S, N) errors of each unit, under each seed; or a block (S, N) for each tokenizer.
        totals: (N,) words of each unit.
    """
    return _interval(_resampled({"": values}, totals, N_RESAMPLES, {"": 0})[""])


def mean_interval(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean of ``values`` (N,)."""
    return ratio_interval(values, np.ones(len(values)))


def sums_by(groups: Sequence[str], values: np.ndarray) -> np.ndarray:
    """Sums of ``values`` (..., N) over each group of units, e.g. speakers: (..., G), groups in the order of their names."""
    names, where = np.unique(np.asarray(groups), return_inverse=True)
    return np.asarray(values, float) @ np.eye(len(names))[where]


def paired_difference(values_a: Values, values_b: Values, totals: np.ndarray) -> dict[str, float | list[float]]:
    """Difference of two pooled ratios on the same units, a minus b, by resampling the units once for both.

    Args:
        values_a: (N,) or (S, N) errors of system a on each utterance, under each of its seeds.
        values_b: (N,) or (S', N) errors of system b on the same utterances, in the same order.
        totals: (N,) words.

    Returns:
        ``difference``, ``ci95`` and ``p``: twice the share of resamples on the far side of zero (0 counts for both, and so
        does the sample itself: p is never 0).
    """
    (found,) = paired_differences({"a": values_a, "b": values_b}, totals)
    return {key: found[key] for key in ("difference", "ci95", "p")}


def paired_differences(values: Mapping[str, Values], totals: np.ndarray) -> list[dict[str, Any]]:
    """All pairs of systems: ``a``, ``b`` and what :func:`paired_difference` finds, in the order of ``values``.

    A pair's interval is the same in any company, and under any names; ``p`` has the more resamples the more pairs there are.

    Args:
        values: errors by system, as of :func:`ratio_interval`.
        totals: (N,) words.
    """
    means = {name: np.mean([np.mean(block) for block in _blocks(errors)]) for name, errors in values.items()}
    ratios = {name: mean * np.size(totals) / np.sum(totals) for name, mean in means.items()}
    pairs = list(combinations(values, 2))
    n_resamples = max(N_COMPARED, N_EACH * len(pairs))
    keys = {name: crc32(b"".join(np.asarray(block, float).tobytes() for block in _blocks(v))) for name, v in values.items()}
    samples = _resampled(values, totals, n_resamples, keys)
    found = []
    for a, b in pairs:
        differences = samples[a] - samples[b]
        far = min(np.sum(differences < ZERO), np.sum(differences > -ZERO))
        p = min(1.0, 2 * float(1 + far) / (1 + n_resamples))
        interval = list(_interval(differences[:N_COMPARED]))
        found.append({"a": a, "b": b, "difference": float(ratios[a] - ratios[b]), "ci95": interval, "p": p})
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values corrected for their number (Holm, 1979): below 0.05, and the chance that one of them is so by luck is below, too."""
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, float)[order] * (len(order) - np.arange(len(order)))
    corrected = np.empty(len(order))
    corrected[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return corrected.tolist()


def rank_correlation(x: np.ndarray, y: np.ndarray) -> dict[str, Any]:
    """Spearman's correlation of two measures (N,) of the same systems, and its interval when systems are drawn.

    Returns:
        ``rho``, ``ci95``, ``n``, and ``undefined``: draws in which a measure did not vary, which are left out of the interval;
        or ``not_run``, if it does not vary at all.
    """
    if min(np.ptp(x), np.ptp(y)) == 0:
        return {"not_run": "one of the two is the same for all systems"}
    drawn = np.random.default_rng(SEED).integers(0, len(x), (N_RESAMPLES, len(x)))
    rhos = _spearman(x[drawn], y[drawn])
    defined = rhos[np.isfinite(rhos)]
    rho = float(_spearman(x[None], y[None])[0])
    return {"rho": rho, "ci95": _interval(defined), "n": len(x), "undefined": len(rhos) - len(defined)}


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Pearson's correlation of ranks in each row of (R, N); NaN where one of the two does not vary."""
    a, b = _ranks(x), _ranks(y)
    spread = np.sqrt(np.square(a).sum(axis=1) * np.square(b).sum(axis=1))
    return np.divide((a * b).sum(axis=1), spread, out=np.full(len(a), np.nan), where=spread > 0)


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks in each row of (R, N), around their mean; equal values share the mean of theirs."""
    pairs = values[:, :, None], values[:, None, :]
    return np.greater(*pairs).sum(axis=2) + np.equal(*pairs).sum(axis=2) / 2 - values.shape[1] / 2


def _resampled(
    systems: Mapping[str, Values], totals: np.ndarray, n_resamples: int, keys: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """``n_resamples`` ratios of each system, on the same units in each resample; the seeds of each are drawn for themselves, by its
    key. More resamples begin with the same ones."""
    rngs = {name: np.random.default_rng([SEED, keys[name]]) for name in systems}
    blocks: dict[str, list[np.ndarray]] = {name: [] for name in systems}
    for units in _resamples(len(totals), n_resamples):
        words = np.maximum(units @ totals, 1e-12)
        for name, values in systems.items():
            blocks[name].append(_drawn([units @ block.T for block in _blocks(values)], rngs[name]) / words)
    return {name: np.concatenate(found) for name, found in blocks.items()}


def _blocks(values: Values) -> list[np.ndarray]:
    """Rows of seeds (S, N), a block a tokenizer; of one array all rows are one."""
    return [np.atleast_2d(values)] if isinstance(values, np.ndarray) else list(values)


def _drawn(blocks: Sequence[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    """Sums (R, S) under each seed, a block a tokenizer -> means (R,) over tokenizers that are drawn anew in each resample, and over
    the seeds of each."""
    if all(block.shape[1] == 1 for block in blocks):
        return _mean_drawn(np.concatenate(blocks, axis=1), rng)
    if len(blocks) == 1:
        return _mean_drawn(blocks[0], rng)
    means = []
    for chosen in rng.integers(len(blocks), size=(len(blocks), len(blocks[0]))):
        of_each = np.stack([_mean_drawn(block, rng) for block in blocks])
        means.append(np.take_along_axis(of_each, chosen[None], axis=0)[0])
    return np.mean(means, axis=0)


def _mean_drawn(sums: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Sums (R, S) under each seed -> their means (R,) over seeds that are drawn anew in each resample."""
    n_seeds = sums.shape[1]
    if n_seeds > 1:
        sums = sums * rng.multinomial(n_seeds, np.full(n_seeds, 1 / n_seeds), size=len(sums))
    return sums.sum(axis=1) / n_seeds


def _resamples(n_units: int, n_resamples: int) -> Iterator[np.ndarray]:
    """How often each unit is drawn, in blocks of (n, N) that add up to ``n_resamples`` rows."""
    rng = np.random.default_rng(SEED)
    block = 200  # 200 x 10,000 utterances is 16 MB
    for _ in range(n_resamples // block):
        yield rng.multinomial(n_units, np.full(n_units, 1 / n_units), size=block).astype(float)


def _interval(samples: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(samples, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)
