"""What the measures of audio share: their mean over a set, the models that packages bring, and how one says that it did not run."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from lmspt.errors import InputError
from lmspt.files import sha256_of
from lmspt.score.bootstrap import mean_interval


class NotRun(Exception):
    """A measure cannot be taken here; the message says why."""


# Values of a measure by utterance, (N,), NaN where there was nothing to measure; or why there are none.
Column = np.ndarray | NotRun


def mean_of(column: Column) -> dict[str, Any]:
    """``mean``, ``ci95``, ``n`` of the utterances that could be measured, ``nan`` of the others; or ``not_run``."""
    if isinstance(column, NotRun):
        return {"not_run": str(column)}
    finite = column[np.isfinite(column)]
    if not len(finite):
        return {"not_run": f"none of {len(column)} utterances could be measured"}
    return {"mean": float(finite.mean()), "ci95": mean_interval(finite), "n": len(finite), "nan": len(column) - len(finite)}


def columns_of(names: tuple[str, ...], measure: Callable[[], list[tuple[float, ...]]]) -> dict[str, Column]:
    """Columns of a measure that yields, for each utterance, a value for each name."""
    try:
        return dict(zip(names, np.array(measure(), float).T, strict=True))
    except NotRun as error:
        return dict.fromkeys(names, error)


def add_columns(rows: list[dict[str, Any]], columns: dict[str, Column]) -> None:
    """Write what was measured of each utterance into its row; ``None`` where there was nothing to measure."""
    for name, column in columns.items():
        if not isinstance(column, NotRun):
            for row, value in zip(rows, column.tolist(), strict=True):
                row[name] = value if np.isfinite(value) else None


def model_in(package: str, file: str, sha256: str) -> Path:
    """A model file that an installed package brings.

    Raises:
        NotRun: the package is not installed.
        InputError: the file is not the one that the measure is known by.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise NotRun(f"{package} is not installed; tools/setup.sh installs it")
    path = Path(spec.submodule_search_locations[0]) / file
    if not path.is_file() or sha256_of(path) != sha256:
        raise InputError(f"{path}: not the file of {package} that is wanted (sha256 {sha256[:12]}...); install {package} again")
    return path
