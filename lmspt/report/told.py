"""Systems by what their codes tell of words or phones: PNMI and purity above chance, their intervals and differences.

A system is given by its ``probes.json``, or several, of tokenizers that differ in their seed: their mean counts. Intervals are over
utterances, and over speakers, by the jackknife of :mod:`lmspt.score.information`; they know nothing of another training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from statistics import fmean
from typing import Any

import numpy as np

from lmspt.errors import InputError
from lmspt.report.system import Result, semantic_stream
from lmspt.score.bootstrap import holm
from lmspt.score.information import jackknife

MEASURES = {"pnmi": "PNMI", "purity": "purity"}
UNITS = {"utts": "", "speakers": "_speakers"}  # what is left out, ending of its interval's name


def words_of(probes: Sequence[Result]) -> list[Result]:
    """What the semantic streams tell of words; nothing if some were not asked, were before intervals were kept, or have none."""
    words = [semantic_stream(found)["words"] for found in probes]
    return words if all(found.get("without_utts") for found in words) else []


def told(words: Sequence[Result], measure: str) -> dict[str, Any]:
    """A measure above chance: ``value``, ``ci95``, and ``ci95_speakers`` where there are several.

    Args:
        words: as :func:`words_of` gives them.
        measure: a key of ``MEASURES``.
    """
    value = fmean(found[measure] - found[f"{measure}_shuffled"] for found in words)
    return {"value": value, **_intervals(value, _without(words, measure))}


def differences(systems: Mapping[str, Sequence[Result]], measure: str) -> list[dict[str, Any]]:
    """All pairs of systems: ``a``, ``b``, ``difference`` of a measure, its intervals as in :func:`told`, ``p`` and ``p_holm``.

    Raises:
        InputError: they were probed on other utterances.
    """
    if len(systems) < 2:
        return []
    (first, of_first), *others = systems.items()
    for name, words in others:
        if differing := of_first[0]["without_utts"].keys() ^ words[0]["without_utts"].keys():
            raise InputError(f"{first} and {name} were probed on other utterances, e.g. '{min(differing)}'; run stage 6 for both")
    pairs = []
    for a, b in combinations(systems, 2):
        difference = told(systems[a], measure)["value"] - told(systems[b], measure)["value"]
        of_a, of_b = (_without(systems[name], measure) for name in (a, b))
        without = {units: of_a[units] - of_b[units] for units in UNITS}
        pairs.append({"a": a, "b": b, "difference": difference, **_intervals(difference, without)})
    for pair, p in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        pair["p_holm"] = p
    return pairs


def _without(words: Sequence[Result], measure: str) -> dict[str, np.ndarray]:
    """The measure without each unit, in the order of their names, by kind of unit; the mean over tokenizers."""
    found = {}
    for units in UNITS:
        tables = [of_tokenizer[f"without_{units}"] for of_tokenizer in words]
        found[units] = np.array([fmean(table[unit][measure] for table in tables) for unit in sorted(tables[0])])
    return found


def _intervals(value: float, without: Mapping[str, np.ndarray]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for units, ending in UNITS.items():
        if len(without[units]) > 1:
            low, high, p = jackknife(value, without[units])
            found |= {f"ci95{ending}": [low, high], **({} if ending else {"p": p})}
    return found
