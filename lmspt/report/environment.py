"""Where a result was made: the recipe, program versions, the state of the repository, the machine."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from pathlib import Path

from lmspt.score.contract import versions

PACKAGES = ("torch", "espnet", "transformers")
ROOT = Path(__file__).resolve().parents[2]
DRIVER = Path("/proc/driver/nvidia/gpus")  # a folder each, while NVIDIA's driver is loaded; asks no torch


def environment() -> dict[str, str]:
    """What stands under "Environments" of ``RESULTS.md``, in its order."""
    return {
        "date": time.strftime("%a %b %e %H:%M:%S %Z %Y"),
        "python": f"{platform.python_version()}, {platform.system()} {platform.machine()}",
        **versions(list(PACKAGES)),
        "git hash": _git_state(),
        "cpu": _cpu(),
        "gpu": _gpus(),
        "threads": f"{len(os.sched_getaffinity(0))} cores, OMP_NUM_THREADS={os.environ.get('OMP_NUM_THREADS', 'not set')}",
    }


def recipe_of(out: Path) -> str:
    """The recipe whose ``results`` ``out`` is, or is in: ``fsdd/slm1``."""
    out = out.resolve()
    above = [folder.parent for folder in (out, *out.parents) if folder.name == "results"]
    return "/".join((above[0] if above else out.parent).parts[-2:])


def _git_state() -> str:
    """Commit of the repository, and whether its files (results apart) differ from it."""
    commit = _git("rev-parse", "HEAD")
    if not commit:
        return "unknown: this is no git checkout"
    changes = _git("status", "--porcelain", "--untracked-files=no", "--", ".", ":(exclude)egs/*/*/results")
    date = _git("show", "--no-patch", "--format=%cd", "--date=iso", commit)
    return f"{commit}, {date}{', with local changes' if changes else ', clean'}"


def _git(*words: str) -> str:
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _cpu() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _gpus() -> str:
    lines = (line for info in sorted(DRIVER.glob("*/information")) for line in info.read_text(encoding="utf-8").splitlines())
    return ", ".join(line.partition(":")[2].strip() for line in lines if line.startswith("Model:")) or "none"
