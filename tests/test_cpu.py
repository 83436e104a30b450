"""Threads come from the environment, or from the cores."""

from __future__ import annotations

import os

import pytest

from lmspt.cpu import n_threads


@pytest.mark.parametrize(("said", "n"), [("3", 3), ("0", None), ("", None), ("all", None)])
def test_n_threads(monkeypatch: pytest.MonkeyPatch, said: str, n: int | None) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", said)
    assert n_threads() == (n or len(os.sched_getaffinity(0)))
