"""Two judges on the same speech: where they disagree, about utterances and about the order of systems."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from lmspt.score.bootstrap import paired_difference
from lmspt.score.counts import counts_of
from lmspt.score.results import Experiment
from lmspt.score.system import AUDIO, Result
from lmspt.score.table import Table, percent, percents, rate

Reading = tuple[str, str, Result, Result]  # system, AUDIO or nothing, by the first judge, by the second


def disagreement(first: Result, second: Result) -> dict[str, Any]:
    """The second judge against the first on one set.

    Returns:
        ``difference`` of error rates (second minus first), ``ci95`` and ``p``; ``utts``, the share of utterances in which one of
        them finds errors and the other none.

    Raises:
        InputError: they have read other utterances.
    """
    errors = counts_of({"first judge": first, "second judge": second})
    found = paired_difference(errors.errors[1], errors.errors[0], errors.words)
    return {**found, "utts": float(((errors.errors[0] > 0) != (errors.errors[1] > 0)).mean())}


def judges_of(experiment: Experiment, name: str) -> dict[str, Any]:
    """What ``benchmark.json`` says of the two judges on a set; nothing if there is one judge."""
    if not experiment.second:
        return {}
    recordings, *systems = _readings(experiment, name)
    return {
        "recordings": _row(*recordings[2:]),
        "systems": [{"name": system, "audio": audio, **_row(*results)} for system, audio, *results in systems],
        "ordered_otherwise": ordered_otherwise(experiment, name),
    }


def ordered_otherwise(experiment: Experiment, name: str) -> list[list[str]]:
    """Pairs of systems whose speech from the language model one judge reads better, and the other worse."""
    speech = [(system, first, second) for system, audio, first, second in _readings(experiment, name) if audio == "tts"]
    pairs = []
    for (a, first_a, second_a), (b, first_b, second_b) in combinations(speech, 2):
        if (first_a["wer"] - first_b["wer"]) * (second_a["wer"] - second_b["wer"]) < 0:
            pairs.append([a, b])
    return pairs


def judges_table(experiment: Experiment, name: str, words: dict[str, str]) -> Table:
    """Both judges on a set, a row for all that was read.

    Args:
        words: how the keys of ``AUDIO`` are called.
    """
    one, two = (experiment.contract[part]["judge"]["name"] for part in ("speech", "second"))
    rows = []
    for system, audio, first, second in _readings(experiment, name):
        found = disagreement(first, second)
        difference = f"{100 * found['difference']:+.1f} {percents(found['ci95'])}"
        rows.append((system, words.get(audio, "as they are"), rate(first), rate(second), difference, percent(found["utts"])))
    pairs = ordered_otherwise(experiment, name)
    order = "; ".join(" and ".join(pair) for pair in pairs) or "none"
    return Table(
        f"Two judges on `{name}`",
        f"{two} shares no weights and no training data with {one}; what each makes of the recordings is its own fault. Difference: "
        "second minus first, paired by utterance. Disagree: utterances in which one finds errors and the other none. Pairs "
        f"of systems whose TTS the two order differently: {order}.",
        ("system", "what is read", f"{one} WER", f"{two} WER", "difference", "disagree %"),
        rows,
        labels=2,
    )


def _readings(experiment: Experiment, name: str) -> Iterator[Reading]:
    yield "recordings", "", experiment.groundtruth[name], experiment.second[name]
    for system in experiment.systems:
        for audio in AUDIO if system.speaks else ():
            yield system.name, audio, system.judged[name][audio], system.second[name][audio]


def _row(first: Result, second: Result) -> dict[str, Any]:
    keys = ("wer", "ci95", "n_utts", "n_words")
    by = {"first": {key: first[key] for key in keys}, "second": {key: second[key] for key in keys}}
    return {**by, "disagreement": disagreement(first, second)}
