"""``RESULTS.md``: where the numbers were made, what they depend on, the commands, the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from lmspt.report.markers import commands_of
from lmspt.report.results import Experiment
from lmspt.report.table import NONE, Table
from lmspt.report.tables import tables_of
from lmspt.score.contract import relatives


def results_md(name: str, experiment: Experiment, environment: dict[str, str]) -> str:
    """``RESULTS.md``: environment, contract, commands, tables.

    Args:
        name: of the recipe.
        experiment: what was found.
        environment: by name.
    """
    lines = ["# RESULTS", "", f"Recipe {name}. Error rates in percent, with 95 % bootstrap intervals over utterances.", ""]
    for warning in warnings_of(experiment):
        lines += [f"> **Warning.** {warning}", ""]
    lines += ["## Environments", "", *(f"- {key}: `{value}`" for key, value in environment.items()), ""]
    lines += ["## Contract", "", "What the numbers depend on besides the systems. Results that differ in it are not compared.", ""]
    lines += [*(f"- {key}: `{value}`" for key, value in flat(experiment.contract)), ""]
    lines += ["## Commands", "", "```sh"]
    for command, stages in commands_of(experiment.markers).items():
        lines += [f"# {', '.join(stages)}", command]
    again = f"A system again: move its folder (`{experiment.systems[0].folder}`) away and give the same command; the rest is kept."
    lines += ["```", "", again, "", "## Scores", ""]
    for table in tables_of(experiment):
        lines += [f"### {table.title}", "", table.note, "", markdown(table), ""]
    return "\n".join(lines)


def markdown(table: Table) -> str:
    """A table in GitHub's Markdown."""
    rule = ["---" if column < table.labels else "---:" for column in range(len(table.head))]
    rows = [[*row, *[NONE] * (len(table.head) - len(row))] for row in (table.head, rule, *table.rows)]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


def warnings_of(experiment: Experiment) -> list[str]:
    """What a reader of the numbers must know: judges that are relatives of a teacher."""
    judges = [experiment.contract[part]["judge"]["name"] for part in ("speech", "second") if part in experiment.contract]
    teachers = {j: sorted({s.teacher for s in experiment.systems if s.teacher and relatives(s.teacher, j)}) for j in judges}
    strangers = [judge for judge in judges if not teachers[judge]]
    other = "A judge of another kind has not been asked."
    if strangers:
        other = f"{strangers[0]} has read it, too: see what the two judges say."
    return [
        f"Teacher ({', '.join(taught)}) and judge ({judge}) are of one model family: speech that has what this family listens "
        f"for may be read with fewer errors than people would make. {other}"
        for judge, taught in teachers.items()
        if taught
    ]


def flat(contract: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Entries of a nested contract, ``("speech.judge.name", "whisper-base")``."""
    for key, value in contract.items():
        if isinstance(value, dict):
            yield from flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value if isinstance(value, str) else json.dumps(value)
