"""A table as text, and numbers as its cells. Rates are printed in percent, intervals are of 95 %."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lmspt.report.system import Result

NONE = "–"  # does not apply
NOT_RUN = "not run"


@dataclass(frozen=True)
class Table:
    """A table as text.

    Attributes:
        title: what it shows.
        note: how it is to be read.
        head: names of the columns.
        rows: cells; the last one of a short row says why the rest of it does not apply.
        labels: how many columns, from the left, are words.
    """

    title: str
    note: str
    head: tuple[str, ...]
    rows: list[tuple[str, ...]]
    labels: int = 1


def percent(share: float) -> str:
    """A fraction in percent, one decimal."""
    return f"{100 * share:.1f}"


def rate(result: Result) -> str:
    """An error rate and its interval."""
    if "not_run" in result:
        return f"{NOT_RUN} ({result['not_run']})"
    return f"{percent(result['wer'])} {percents(result['ci95'])}"


def mean(value: Result) -> str:
    """A mean and its interval, the utterances that could not be measured, or why none could be."""
    if "not_run" in value:
        return f"{NOT_RUN} ({value['not_run']})"
    low, high = value["ci95"]
    unmeasured = f", {value['nan']} not measured" if value["nan"] else ""
    return f"{value['mean']:.2f} [{low:.2f}, {high:.2f}]{unmeasured}"


def measured(found: Result) -> str:
    """A measure above chance and its interval."""
    low, high = found["ci95"]
    return f"{found['value']:.2f} [{low:.2f}, {high:.2f}]"


def percents(interval: Iterable[float]) -> str:
    """An interval of fractions, in percent."""
    low, high = interval
    return f"[{percent(low)}, {percent(high)}]"
