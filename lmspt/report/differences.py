"""Every system against every other: differences as tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from lmspt.report.groups import UNSEEN
from lmspt.report.results import Experiment
from lmspt.report.system import Result
from lmspt.report.table import NONE, Table
from lmspt.report.told import MEASURES


def differences_tables(experiment: Experiment, name: str) -> Iterator[Table]:
    """Every system against every other, a table a task."""
    for task, pairs in experiment.comparisons[name].items():
        if pairs:
            yield differences_table(f"{experiment.title(task, 'differences')} on `{name}`", pairs)


def told_tables(experiment: Experiment, name: str) -> Iterator[Table]:
    """What the codes of every system tell against those of every other, a table a measure."""
    for measure, pairs in experiment.told_comparisons[name].items():
        if pairs:
            title = f"{MEASURES[measure]} differences on `{name}`"
            yield Table(
                title[0].upper() + title[1:],
                "Above chance, row minus column. *: p < 0.05 by a jackknife over utterances, with Holm's correction for "
                f"{len(pairs)} pair{'s' if len(pairs) > 1 else ''}. Intervals, by utterance and by speaker: `benchmark.json`.",
                *_matrix(pairs, "{:+.2f}".format),
            )


def differences_table(title: str, pairs: Sequence[Result]) -> Table:
    """Every system against every other.

    Args:
        title: of the table.
        pairs: as :func:`lmspt.report.counts.comparisons` gives them.
    """
    return Table(
        f"{title[0].upper()}{title[1:]}",
        "Word error rate of the row minus that of the column, in points. *: p < 0.05 by a paired bootstrap over utterances "
        f"and seeds, with Holm's correction for {len(pairs)} pair{'s' if len(pairs) > 1 else ''}. {UNSEEN} Intervals, by "
        "utterance and by speaker, are in `benchmark.json`.",
        *_matrix(pairs, lambda difference: f"{100 * difference:+.1f}"),
    )


def _matrix(pairs: Sequence[Result], show: Callable[[float], str]) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of a table of differences, each system against each other."""
    groups = list(dict.fromkeys(group for pair in pairs for group in (pair["a"], pair["b"])))
    cells = {(a, a): NONE for a in groups}
    for pair in pairs:
        star = " *" if pair["p_holm"] < 0.05 else ""
        cells[pair["a"], pair["b"]] = show(pair["difference"]) + star
        cells[pair["b"], pair["a"]] = show(-pair["difference"]) + star
    head = ("system", *map(str, range(1, len(groups) + 1)))
    return head, [(f"{i} {a}", *(cells[a, b] for b in groups)) for i, a in enumerate(groups, 1)]
