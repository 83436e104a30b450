"""slm.sh killed at a random moment of every stage, and rerun until it is through: the same files as without a kill."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.utils.test_slm_sh import STAGES, make_recipe, slm

pytestmark = pytest.mark.timeout(900)
ONE = ["--tok_list", "conf/tok/resynthesis.yaml"]
COMMANDS = ["local/data.sh", "format_data", *STAGES[3:]]  # stage 3 has nothing to do


def final_files(recipe: Path) -> dict[str, str]:
    """Hash of all that a run leaves, logs and markers apart."""
    folders = ("data", "dump", "exp", "results")
    paths = (path for folder in folders for path in (recipe / folder).rglob("*") if path.is_file())
    apart = {"logs", ".done", ".runs", "run.sh", "train.log"}
    kept = (path.relative_to(recipe) for path in paths if not apart & set(path.relative_to(recipe).parts))
    return {str(path): hashlib.sha256((recipe / path).read_bytes()).hexdigest() for path in kept}


def kill_in(recipe: Path, command: str, moment: float, whole_group: bool) -> bool:
    """Start the recipe and SIGKILL slm.sh, or it and its job runner, some seconds after it has called ``command``.

    False when it was through before that.
    """
    calls = recipe / "calls.txt"
    before = calls.read_text().count(f"{command} ") if calls.exists() else 0
    environment = {**os.environ, "SALT": ""}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(["./slm.sh", *ONE], cwd=recipe, env=environment, start_new_session=True, **quiet) as process:
        while process.poll() is None and not (calls.exists() and calls.read_text().count(f"{command} ") > before):
            time.sleep(0.005)
        time.sleep(moment)
        if process.poll() is not None:
            return False
        if whole_group:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
        return True


def test_killed_in_every_stage(tmp_path: Path) -> None:
    undisturbed, killed = make_recipe(tmp_path / "a"), make_recipe(tmp_path / "b")
    done = slm(undisturbed, *ONE, SALT="")
    assert done.returncode == 0, done.stderr
    rng = random.Random(0)
    kills = [kill_in(killed, command, rng.uniform(0.0, 0.05), rng.random() < 0.5) for command in COMMANDS]
    assert sum(kills) > len(COMMANDS) // 2
    done = slm(killed, *ONE, SALT="")
    assert done.returncode == 0, done.stderr
    assert final_files(killed) == final_files(undisturbed)
    assert not list((killed / "exp").glob("*.until_*")), "a kill was taken for a change"
