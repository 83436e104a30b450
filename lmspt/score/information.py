"""What codes tell of labels, and how sure that is: mutual information and purity, less what chance makes of both.

Their intervals are the jackknife's: all is measured again without each utterance, or speaker, in turn (Efron and Tibshirani, An
Introduction to the Bootstrap, chapter 11). A bootstrap draws units twice, and codes that are there twice look as if they told
something.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr, stdtrit

from lmspt.score.bootstrap import LEVEL

Measures = dict[str, float]


def entropy(counts: np.ndarray) -> float:
    """Bits."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def information_bits(labels: np.ndarray, codes: np.ndarray) -> float:
    """Mutual information of labels (N,) and codes (N,), bits; it is too large by what chance makes of few of them."""
    return _bits(_count(*_cells(labels, codes)))


def told(labels: np.ndarray, codes: np.ndarray) -> Measures:
    """What codes (N,) tell of labels (N,).

    ``pnmi``: I(label; code) / H(label), the share of the label's entropy that the code removes (Hsu et al., HuBERT, 2021);
    ``purity``: share of labels that are the most frequent one of their code.
    """
    return _measures(_count(*_cells(labels, codes)))


def told_above_chance(
    labels: np.ndarray, codes: np.ndarray, shuffled: np.ndarray, units: Sequence[str] | np.ndarray
) -> dict[str, Measures]:
    """:func:`told` less the same of shuffled labels, without each unit in turn; nothing if there is one unit alone.

    Args:
        labels, codes: (N,).
        shuffled: (N,) the labels in another order.
        units: (N,) utterance or speaker that each label belongs to.
    """
    pairs = [(*placed, _count(*placed)) for placed in (_cells(labels, codes), _cells(shuffled, codes))]
    names, which = np.unique(units, return_inverse=True)
    if len(names) == 1:
        return {}
    order = np.argsort(which, kind="stable")
    parts = np.split(order, np.cumsum(np.bincount(which))[:-1])
    found = {}
    for name, part in zip(names.tolist(), parts, strict=True):
        true, chance = (_measures(whole - _count(cells[part], shape)) for cells, shape, whole in pairs)
        found[name] = {key: round(true[key] - chance[key], 6) for key in true}
    return found


def jackknife(value: float, without: Sequence[float] | np.ndarray) -> tuple[float, float, float]:
    """Edges of the 95 % interval of a measure, and p of its being zero, from what it is without each of N units.

    By Student's t with N - 1 degrees of freedom.

    Raises:
        ValueError: fewer than two units.
    """
    n = len(without)
    if n < 2:
        raise ValueError("an interval wants two units at least")
    error = float(np.sqrt((n - 1) * np.var(without)))
    reach = float(stdtrit(n - 1, (1 + LEVEL) / 2)) * error
    p = 2 * float(stdtr(n - 1, -abs(value) / error)) if error else float(value == 0)
    return value - reach, value + reach, p


def _cells(labels: np.ndarray, codes: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Place (N,) of each pair in a table, a row a label and a column a code, and its shape."""
    names, rows = np.unique(labels, return_inverse=True)
    used, columns = np.unique(codes, return_inverse=True)
    return rows * len(used) + columns, (len(names), len(used))


def _count(cells: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """How often a label has a code."""
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape)


def _bits(joint: np.ndarray) -> float:
    return entropy(joint.sum(axis=1)) + entropy(joint.sum(axis=0)) - entropy(joint.ravel())


def _measures(joint: np.ndarray) -> Measures:
    of_label = entropy(joint.sum(axis=1))
    pnmi = _bits(joint) / of_label if of_label else 0.0
    return {"pnmi": pnmi, "purity": float(joint.max(axis=0).sum() / joint.sum())}
