#!/usr/bin/env python3
"""Stands for sbatch, squeue, sacct and scancel, whichever name it is called by, in tests of slurm.py.

Jobs run here, at once, in the background; SLURM_STUB is the folder that knows them: calls.txt has every call, <id>_<index>
the process of a job, and its exit status when it has ended by itself. A job that was killed was "out of memory".
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

STATE = Path(os.environ["SLURM_STUB"])


def option(name: str) -> str | None:
    return next((word.partition("=")[2] for word in sys.argv[1:] if word.startswith(f"--{name}=")), None)


def sbatch() -> None:
    if "--qos=none" in sys.argv:
        sys.exit("sbatch: error: Batch job submission failed: Invalid qos specification")
    job = 100 + len(list(STATE.glob("*.script")))
    (STATE / f"{job}.script").write_text(sys.argv[-1])
    array = option("array")
    first, last = map(int, re.match(r"(\d+)-(\d+)", array).groups()) if array else (0, 0)
    for index in range(first, last + 1):
        log = option("output").replace("%a", str(index))
        task = f'SLURM_ARRAY_TASK_ID={index} bash "{sys.argv[-1]}" >> "{log}" 2>&1; echo $? > "{STATE}/{job}_{index}.exit"'
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(["bash", "-c", task], start_new_session=True, **quiet)
        (STATE / f"{job}_{index}").write_text(str(process.pid))
    print(f"{job};cluster")


def tasks(job: str) -> list[Path]:
    return [path for path in sorted(STATE.glob(f"{job}*_*")) if path.suffix == ""]


def runs(task: Path) -> bool:
    try:
        return Path(f"/proc/{task.read_text()}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def squeue() -> None:
    if (STATE / "squeue.down").exists():
        sys.exit("slurm_load_jobs error: Unable to contact slurm controller (connect failure)")
    if not tasks(option("jobs")):
        sys.exit("slurm_load_jobs error: Invalid job id specified")
    for task in tasks(option("jobs")):
        if runs(task):
            index = task.name.split("_")[1]
            print(index if index != "0" else "N/A")


def sacct() -> None:
    job, _, index = option("jobs").partition("_")
    task = STATE / f"{job}_{index or 0}"
    ended = task.with_suffix(".exit")
    if (STATE / "no_accounting").exists():
        sys.exit("sacct: error: Slurm accounting storage is disabled")
    if task.with_suffix(".cancelled").exists():
        print("CANCELLED by 1000|0:15")
    elif ended.exists():
        status = ended.read_text().strip()
        print(f"COMPLETED|{status}:0" if status == "0" else f"FAILED|{status}:0")
    else:
        print("RUNNING|0:0" if runs(task) else "OUT_OF_MEMORY|0:125")


def scancel() -> None:
    for task in tasks(sys.argv[1]):
        if runs(task):
            task.with_suffix(".cancelled").touch()
            os.killpg(int(task.read_text()), signal.SIGKILL)


if __name__ == "__main__":
    with (STATE / "calls.txt").open("a") as calls:
        calls.write(" ".join([Path(sys.argv[0]).name, *sys.argv[1:]]) + "\n")
    {"sbatch": sbatch, "squeue": squeue, "sacct": sacct, "scancel": scancel}[Path(sys.argv[0]).name]()
