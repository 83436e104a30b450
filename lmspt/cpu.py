"""Threads that a process may use."""

from __future__ import annotations

import os


def n_threads() -> int:
    """``OMP_NUM_THREADS``, which a recipe's path.sh and its job runners set; else the cores that this process may use."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) else len(os.sched_getaffinity(0))
