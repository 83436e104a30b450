"""Killed at a random moment of every stage, on real speech: the same final files, each utterance once.

Takes three smoke runs of time, so by hand: python -m pytest -m by_hand tests/egs/test_recipe_kills.py
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.egs.test_recipes import make_copy, run, start

pytestmark = [pytest.mark.by_hand, pytest.mark.timeout(7200)]
APART = {"logs", ".done", ".runs", "run.sh", "train.log", "tensorboard", "images", "pack"}
TIMED = {"history.json", "stats.json", "stats.jsonl", "checkpoint.pth", "checkpoint.previous.pth"}  # say how long it took
ONE = ["--tok_list", "conf/tok/smoke.yaml", "--stop_stage", "12"]


def final_files(recipe: Path) -> dict[str, str]:
    """Hash of all that a run leaves, apart from what holds times of day."""
    paths = (path for folder in ("data", "dump", "exp") for path in (recipe / folder).rglob("*") if path.is_file())
    kept = (path.relative_to(recipe) for path in paths if not (APART | TIMED) & set(path.relative_to(recipe).parts))
    return {str(path): hashlib.sha256((recipe / path).read_bytes()).hexdigest() for path in kept}


def seconds_of_stages(recipe: Path) -> dict[int, float]:
    markers = [json.loads(path.read_text()) for path in recipe.glob("*/.done/*.json")]
    return {n: sum(m["seconds"] for m in markers if m["stage"] == n) for n in range(1, 13)}


def test_killed_in_every_stage(tmp_path: Path) -> None:
    undisturbed, killed = make_copy(tmp_path / "a"), make_copy(tmp_path / "b")
    done = run(undisturbed, *ONE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    rng, kills = random.Random(0), 0
    for number, seconds in seconds_of_stages(undisturbed).items():
        stage = ["--stage", str(number), "--stop_stage", str(number)]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with start(killed, *ONE, *stage, **quiet) as process:
            time.sleep(rng.uniform(0.3, 0.5 + seconds / 2))  # units go side by side
            if process.poll() is None:
                kills += 1
                os.killpg(process.pid, signal.SIGKILL)
        done = run(killed, *ONE, *stage)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert kills >= 10
    ours, theirs = final_files(killed), final_files(undisturbed)
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []
    for path in (killed / "dump/tokens").glob("*/*/manifest.json"):
        rows = sum(shard["n"] for shard in json.loads(path.read_text())["shards"])
        utts = len((killed / "dump/raw" / path.parent.name / "text").read_text().splitlines())
        assert rows == utts
