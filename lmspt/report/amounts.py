"""What each language model was given: steps, and the audio and positions that its batches held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lmspt.report.groups import Group
from lmspt.report.results import Experiment
from lmspt.report.system import System
from lmspt.report.table import NOT_RUN, Table

COUNTED = ("heard_seconds", "spoken_seconds", "positions")  # in each epoch, by the training
SAME = 1.01  # ratio below which two amounts of audio are called equal


def amounts_of(system: System) -> dict[str, Any]:
    """``steps``, ``heard_seconds`` (ASR), ``spoken_seconds`` (TTS) and ``positions`` of a whole training.

    What a training did not count, because it is older than the counting, is left out.
    """
    epochs = [row["valid"] for row in system.slm_history]
    found = {"steps": len(epochs) * system.slm_config["steps_per_epoch"]}
    return found | {key: sum(row[key] for row in epochs) for key in COUNTED if all(key in row for row in epochs)}


def amounts_table(experiment: Experiment) -> Table:
    """Amounts of all systems, a mean over seeds."""
    amounts = [_mean(group) for group in experiment.groups]
    rows = []
    for group, found in zip(experiment.groups, amounts, strict=True):
        cells = [f"{found['steps']:.0f}", *[NOT_RUN] * 4]
        if len(found) > 1:
            rate = group.first.tokens[experiment.valid]["frame_rate"]
            hours = (f"{found[key] / 3600:.2f}" for key in ("heard_seconds", "spoken_seconds"))
            cells[1:] = (*hours, f"{found['heard_seconds'] * rate:.0f}", f"{found['positions']:.0f}")
        rows.append((group.name, *cells))
    return Table(
        "Given to the language models",
        "In all of stage 8. Heard: audio whose tokens ASR read; spoken: audio whose tokens TTS learned to write. A batch of "
        "`batch_size` utterances holds the same audio whatever the tokenizer: equal steps are equal seconds of audio. A batch of "
        "`batch_tokens` holds the same positions, and fewer tokens a second hear more in the same steps. " + _view(amounts),
        ("system", "steps", "hours heard", "hours spoken", "tokens heard", "positions"),
        rows,
    )


def _mean(group: Group) -> dict[str, float]:
    every = [amounts_of(system) for system in group.systems]
    return {key: float(np.mean([found[key] for found in every])) for key in every[0] if all(key in found for found in every)}


def _view(amounts: Sequence[dict[str, float]]) -> str:
    """Is the comparison one of equal steps, of equal audio, of both?"""
    steps = "equal" if len({found["steps"] for found in amounts}) == 1 else "not equal"
    heard = [found.get("heard_seconds") for found in amounts]
    if None in heard:
        return f"Here: steps are {steps}, audio was not counted for all."
    low, high = min(heard), max(heard)
    return f"Here: steps are {steps}, audio is {'equal' if high <= SAME * low else f'not equal, from {low:.0f} to {high:.0f} s'}."
