"""What this machine's processor offers: threads, and arithmetic."""

from __future__ import annotations

import os
from pathlib import Path


def n_threads() -> int:
    """``OMP_NUM_THREADS``, which a recipe's path.sh and its job runners set; else the cores that this process may use."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) else len(os.sched_getaffinity(0))


def has_bfloat16() -> bool:
    """Does the processor multiply in bfloat16? One that does not, imitates it in several times the time."""
    path = Path("/proc/cpuinfo")
    flags = path.read_text(encoding="utf-8").split() if path.exists() else []
    return not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(flags)
