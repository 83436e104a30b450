"""What a training reported: as plain numbers, joined over ranks, and which epochs did best."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from espnet2.train.reporter import Reporter

from lmspt.errors import InputError
from lmspt.train.config import TrainConfig
from lmspt.train.ranks import gather


def plain(reporter: Reporter) -> dict[str, Any]:
    """The reporter's state without NumPy scalars, which a safe load would refuse."""
    stats = {
        epoch: {
            phase: {k: v.item() if isinstance(v, np.generic) else v for k, v in values.items()} for phase, values in phases.items()
        }
        for epoch, phases in reporter.stats.items()
    }
    return {"stats": stats, "epoch": reporter.get_epoch()}


def history(reporter: Reporter) -> list[dict[str, Any]]:
    """Every epoch's means as plain numbers: ``{"epoch", "train": {...}, "valid": {...}}``."""
    rows = []
    for epoch, phases in reporter.stats.items():
        row: dict[str, Any] = {"epoch": epoch}
        for phase, values in phases.items():
            numbers = {k: v.total_seconds() if k == "time" else float(v) for k, v in values.items()}
            row[phase] = {k: v for k, v in numbers.items() if math.isfinite(v)}
        rows.append(row)
    return rows


def best_epochs(reporter: Reporter, config: TrainConfig) -> list[int]:
    """The ``keep_nbest`` epochs with the best ``best_metric`` on the validation set, in their order.

    Raises:
        InputError: nothing of this name is measured there.
    """
    if not reporter.has("valid", config.best_metric):
        measured = ", ".join(reporter.get_keys2("valid"))
        raise InputError(f"best_metric '{config.best_metric}': not measured on the validation set; choose of {measured}")
    return sorted(reporter.sort_epochs("valid", config.best_metric, config.best_mode)[: config.keep_nbest])


def over_ranks(means: dict[str, Any], weight: float) -> dict[str, float]:
    """Means over the shares of all ranks.

    Args:
        means: of this rank's share; what is no float (time, counts) is left out.
        weight: of this rank's share, 0 where it was empty.
    """
    shares = gather((weight, {name: float(mean) for name, mean in means.items() if isinstance(mean, float)}))
    names = {name: None for _, share in shares for name in share}
    joined = {}
    for name in names:
        present = [(w, share[name]) for w, share in shares if name in share]
        joined[name] = sum(w * mean for w, mean in present) / sum(w for w, _ in present)
    return joined
