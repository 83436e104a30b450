from __future__ import annotations

import numpy as np
import pytest

from lmspt.errors import InputError
from lmspt.score.measure import NotRun, add_columns, columns_of, mean_of, model_in
from lmspt.score.mos import P808


def test_nan_is_counted_and_not_averaged() -> None:
    mean = mean_of(np.array([1.0, np.nan, 3.0, 2.0]))
    assert (mean["mean"], mean["n"], mean["nan"]) == (2.0, 3, 1)
    low, high = mean["ci95"]
    assert 1.0 <= low < 2.0 < high <= 3.0


def test_nothing_measured_is_not_zero() -> None:
    assert mean_of(np.array([np.nan, np.nan])) == {"not_run": "none of 2 utterances could be measured"}


def test_columns_by_name_and_row() -> None:
    rows = [{"utt": "a"}, {"utt": "b"}]
    add_columns(rows, columns_of(("x", "y"), lambda: [(1.0, 2.0), (3.0, float("nan"))]))
    assert rows == [{"utt": "a", "x": 1.0, "y": 2.0}, {"utt": "b", "x": 3.0, "y": None}]


def test_what_cannot_run_says_why() -> None:
    def measure() -> list[tuple[float, ...]]:
        raise NotRun("no such model here")

    columns, rows = columns_of(("x", "y"), measure), [{"utt": "a"}]
    add_columns(rows, columns)
    assert mean_of(columns["x"]) == mean_of(columns["y"]) == {"not_run": "no such model here"}
    assert rows == [{"utt": "a"}]


def test_models_in_packages() -> None:
    assert model_in("speechmos", *P808).is_file()
    with pytest.raises(NotRun, match="no_such_package is not installed"):
        model_in("no_such_package", *P808)
    with pytest.raises(InputError, match="not the file of speechmos that is wanted"):
        model_in("speechmos", P808[0], "0" * 64)
