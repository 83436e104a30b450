"""Two judges on the same speech: where they disagree, about utterances and about the order of systems."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from lmspt.report.counts import TASKS, Counts, counts_of, pooled, require_alike
from lmspt.report.results import Experiment
from lmspt.report.table import Table, percent, percents, rate
from lmspt.score.bootstrap import paired_difference
from lmspt.score.contract import relatives

Reading = tuple[str, str, Counts, Counts]  # group, AUDIO or nothing, by the first judge, by the second


def disagreement(first: Counts, second: Counts) -> dict[str, Any]:
    """The second judge against the first on one set, seed by seed.

    Returns:
        ``difference`` of error rates (second minus first), ``ci95`` and ``p``; ``utts``, the share of utterances in which one of
        them finds errors and the other none.

    Raises:
        InputError: they have read other utterances.
    """
    require_alike("first judge", first.heard, "second judge", second.heard)
    blocks = [theirs - ours for theirs, ours in zip(second.blocks, first.blocks, strict=True)]
    found = paired_difference(blocks, np.zeros_like(first.words), first.words)
    return {**found, "utts": float(((first.errors > 0) != (second.errors > 0)).mean())}


def judges_of(experiment: Experiment, name: str) -> dict[str, Any]:
    """What ``benchmark.json`` says of the two judges on a set, a row for all that was read; seeds are pooled."""
    recordings, *groups = _readings(experiment, name)
    return {
        "recordings": _row(*recordings[2:]),
        "groups": [{"name": group, "audio": audio, **_row(*counts)} for group, audio, *counts in groups],
        "ordered_otherwise": ordered_otherwise(experiment, name),
    }


def ordered_otherwise(experiment: Experiment, name: str) -> list[dict[str, Any]]:
    """Pairs of groups whose speech (from the language model, if there is one) one judge reads better, and the other worse.

    Returns:
        ``a``, ``b``, ``differences`` by the two judges and ``p_holm`` of each, as in the comparisons.
    """
    pairs = zip(*(experiment.comparisons[name][task] for task in experiment.spoken), strict=True)
    return [
        {"a": first["a"], "b": first["b"], **{f"{key}s": [first[key], second[key]] for key in ("difference", "p_holm")}}
        for first, second in pairs
        if first["difference"] * second["difference"] < 0
    ]


def judges_table(experiment: Experiment, name: str, words: dict[str, str]) -> Table:
    """Both judges on a set, a row for all that was read.

    Args:
        words: how the keys of ``AUDIO`` are called.
    """
    one, two = (experiment.contract[part]["judge"]["name"] for part in ("speech", "second"))
    rows = []
    for group, audio, first, second in _readings(experiment, name):
        found = disagreement(first, second)
        difference = f"{100 * found['difference']:+.1f} {percents(found['ci95'])}"
        cells = (rate(pooled(first)), rate(pooled(second)), difference, percent(found["utts"]))
        rows.append((group, words.get(audio, "as they are"), *cells))
    return Table(
        f"Two judges on `{name}`",
        f"{two} is {'' if relatives(one, two) else 'not '}of the family of {one}; what each makes of the recordings is its own "
        "fault. Difference: second minus first, paired by utterance and seed. Disagree: utterances in which one finds errors and "
        "the other none. " + _order(experiment, name),
        ("system", "what is read", f"{one} WER", f"{two} WER", "difference", "disagree %"),
        rows,
        labels=2,
    )


def _order(experiment: Experiment, name: str) -> str:
    """What is to be said of the pairs that the judges order differently."""
    task, _ = experiment.spoken
    pairs, of = ordered_otherwise(experiment, name), len(experiment.comparisons[name][task])
    sure = [f"{pair['a']} and {pair['b']}" for pair in pairs if min(pair["p_holms"]) < 0.05]
    said = f"Pairs of systems whose {TASKS[task]} the two order differently: {len(pairs)} of {of}"
    return f"{said}; those of them with p < 0.05 by one of the two: {'; '.join(sure) or 'none'}."


def _readings(experiment: Experiment, name: str) -> Iterator[Reading]:
    recordings = (experiment.groundtruth[name], experiment.second[name])
    yield "recordings", "", *(counts_of({"recordings": result}) for result in recordings)
    for group in experiment.groups:
        for audio, first in group.judged.get(name, {}).items():
            yield group.name, audio, first, group.second[name][audio]


def _row(first: Counts, second: Counts) -> dict[str, Any]:
    return {"first": pooled(first), "second": pooled(second), "disagreement": disagreement(first, second)}
