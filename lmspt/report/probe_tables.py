"""Probes of all systems side by side, and how well each foretells what a language model makes of the tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from lmspt.data.variation import SHIFTS
from lmspt.report.groups import Group
from lmspt.report.system import Result, semantic_stream
from lmspt.report.table import NOT_RUN, Table, measured
from lmspt.report.told import MEASURES
from lmspt.score.bootstrap import rank_correlation

SYSTEMS = 5  # that a correlation wants at least
Values = Mapping[str, float | None]  # by probe; None where it was not run


@dataclass(frozen=True)
class Probe:
    """One number of a tokenizer on a set.

    Attributes:
        value: of ``probes.json`` and ``tokens.json``; ``None`` where it was not run.
        digits: behind the point, in a table.
    """

    title: str
    value: Callable[[Result, Result], float | None]
    digits: int = 2


def _above_chance(part: str, key: str) -> Callable[[Result, Result], float | None]:
    """What a stream tells of labels, less what it tells of shuffled ones."""

    def value(probes: Result, _: Result) -> float | None:
        found = semantic_stream(probes)[part]
        return None if "not_run" in found else found[key] - found[f"{key}_shuffled"]

    return value


def _edits(shift: str) -> Callable[[Result, Result], float | None]:
    """Edits a token between an utterance and the same one shifted."""
    return lambda _, tokens: sum(tokens["stability"]["edits"][shift]) / sum(tokens["stability"]["tokens"])


def _place(probes: Result, _: Result) -> float | None:
    """Bits of place above chance; not there in probes of before it was asked."""
    found = probes.get("place")
    return found and found["bits"] - found["bits_shuffled"]


PROBES = (
    Probe("tokens a second", lambda _, tokens: tokens["frame_rate"], 1),
    Probe("perplexity", lambda probes, _: semantic_stream(probes)["perplexity"], 0),
    Probe("entropy bit/s", lambda probes, _: semantic_stream(probes)["entropy_bps"], 0),
    Probe("conditional bit/s", lambda probes, _: semantic_stream(probes)["conditional_entropy_bps"], 0),
    Probe("3-gram bit/s", lambda probes, _: probes["guessing"]["bps"], 0),
    Probe("PNMI", _above_chance("words", "pnmi")),
    Probe("purity", _above_chance("words", "purity")),
    Probe("SNMI", _above_chance("sequences", "snmi")),
    Probe("same word, same speaker", lambda probes, _: probes["word_distances"].get("same_speaker")),
    Probe("same word, other speaker", lambda probes, _: probes["word_distances"].get("other_speaker")),
    Probe("other word", lambda probes, _: probes["word_distances"].get("other_word")),
    Probe("speaker known", lambda probes, _: probes["speaker"].get("accuracy")),
    Probe("place, bit", _place),
    Probe("runs a second", lambda probes, _: probes["lengths"]["runs_per_second"], 1),
    *(Probe(f"edits, {shift}", _edits(shift)) for shift in SHIFTS),
)


def probed(group: Group, name: str) -> dict[str, float | None]:
    """Value of each probe on a set; the mean over its tokenizers where a group has several."""
    values = {}
    for probe in PROBES:
        found = [probe.value(system.probes[name], system.tokens[name]) for system in group.tokenizers]
        values[probe.title] = None if None in found else float(np.mean([value for value in found if value is not None]))
    return values


def correlations(values: Mapping[str, Values], wers: Mapping[str, Mapping[str, float]]) -> dict[str, dict[str, Any]]:
    """Spearman's rank correlation of each probe with the error rate in each task, over systems.

    Args:
        values: of the probes, by system.
        wers: by task and system, of those that were scored in it.

    Returns:
        By probe and task, see :func:`lmspt.score.bootstrap.rank_correlation`; ``not_run`` of fewer than ``SYSTEMS``.
    """
    found: dict[str, dict[str, Any]] = {probe.title: {} for probe in PROBES}
    for title, tasks in found.items():
        for task, scored in wers.items():
            pairs = [(value, wer) for system, wer in scored.items() if (value := values[system].get(title)) is not None]
            if len(pairs) < SYSTEMS:
                tasks[task] = {"not_run": f"{len(pairs)} systems, {SYSTEMS} are wanted"}
            else:
                tasks[task] = rank_correlation(*np.array(pairs).T)
    return found


def probe_table(name: str, values: Mapping[str, Values], told: Mapping[str, Mapping[str, Result]]) -> Table:
    """All probes on a set, a row a system.

    Args:
        name: of the set.
        values: of the probes, by system.
        told: measures with intervals, by system, of those that have them.
    """
    rows = []
    for system, found in values.items():
        cells = {p.title: NOT_RUN if (value := found.get(p.title)) is None else f"{value:.{p.digits}f}" for p in PROBES}
        cells |= {MEASURES[measure]: measured(result) for measure, result in told.get(system, {}).items()}
        rows.append((system, *cells.values()))
    return Table(
        f"Token probes on `{name}`",
        "Of the semantic stream. Entropies are of the set as it is; the 3-gram model has learned from the training set, and is "
        "the one to trust. PNMI, purity and SNMI: what a code, or the codes of a word, tell of the word, less what they tell of "
        "shuffled words; of phones instead of words where the set has a ctm of them. Same word and other word: edit distance of "
        "two recordings, by the longer one. Speaker known: share of utterances, by logistic regression on code counts. Place: what "
        "a code tells of the half second of the utterance it stands in, above chance. Runs: tokens when repeated ones count once. "
        "Edits: a token, as in the table of edit distances.",
        ("system", *(p.title for p in PROBES)),
        rows,
    )


def correlation_tables(name: str, found: Mapping[str, Mapping[str, Result]], titles: Mapping[str, str]) -> list[Table]:
    """Correlations on a set, a row a probe, a column a task; no table of systems too few for any.

    Args:
        name: of the set.
        found: as :func:`correlations` gives them.
        titles: of the tasks.
    """
    if all("not_run" in tasks[task] for tasks in found.values() for task in titles):
        return []
    rows = [(title, *(_rho(tasks[task]) for task in titles)) for title, tasks in found.items()]
    table = Table(
        f"Probes against scores on `{name}`",
        "Spearman's rank correlation of a probe with the error rate of the language model, over systems, which the interval draws: "
        "with few systems it is wide, and they are no sample of all tokenizers. Below zero: a larger value goes with fewer errors.",
        ("probe", *(f"with {title}" for title in titles.values())),
        rows,
    )
    return [table]


def _rho(found: Result) -> str:
    if "not_run" in found:
        return f"{NOT_RUN} ({found['not_run']})"
    low, high = found["ci95"]
    return f"{found['rho']:+.2f} [{low:+.2f}, {high:+.2f}], {found['n']} systems"
