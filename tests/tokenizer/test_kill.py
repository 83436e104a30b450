"""SIGKILL at random moments of an adversarial training, alone and with two ranks, changes no bit of the final weights."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from tests.tokenizer import gan
from tests.tokenizer.corpus import write_corpus
from tests.train.processes import start_ranks


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    folder = tmp_path_factory.mktemp("raw")
    write_corpus(folder, n=4)
    return folder


def run_to_the_end(n_ranks: int, raw: Path, out: Path) -> float:
    """Train without a kill and return the seconds it took."""
    started = time.perf_counter()
    for process in start_ranks(n_ranks, gan.run, raw, out):
        process.join()
        assert process.exitcode == 0
    return time.perf_counter() - started


def run_and_kill(n_ranks: int, raw: Path, out: Path, epoch_seconds: float, rng: random.Random) -> bool:
    """Let it save its next checkpoint, mostly, and kill it at some moment of the epoch after; False if it ended before."""
    processes = start_ranks(n_ranks, gan.run, raw, out)
    checkpoint, before = out / "checkpoint.pth", _saved(out / "checkpoint.pth")
    if rng.random() < 0.8:
        while any(p.is_alive() for p in processes) and _saved(checkpoint) == before:
            time.sleep(0.002)
    time.sleep(rng.uniform(0, epoch_seconds))
    killed = processes[0].is_alive()
    for process in processes:
        process.kill()
        process.join()
    return killed


def _saved(checkpoint: Path) -> int:
    try:
        return checkpoint.stat().st_mtime_ns
    except FileNotFoundError:  # none yet, or the last one has just become the previous one
        return 0


def kill_until(kills: int, n_ranks: int, raw: Path, folder: Path, seed: int) -> None:
    """Kill trainings and rerun them until ``kills`` were; each must end as the one in ``<folder>/whole``."""
    epoch_seconds = run_to_the_end(n_ranks, raw, folder / "whole") / gan.EPOCHS
    rng, killed, out = random.Random(seed), 0, folder / "killed"
    while killed < kills:
        gan.clear(out)
        while killed < kills and run_and_kill(n_ranks, raw, out, epoch_seconds, rng):
            killed += 1
        run_to_the_end(n_ranks, raw, out)
        assert gan.weights(out) == gan.weights(folder / "whole")


def test_killed_at_random_moments(raw, tmp_path, pytestconfig):
    kill_until(pytestconfig.getoption("kills"), 1, raw, tmp_path, seed=0)


def test_two_ranks_killed(raw, tmp_path):
    kill_until(1, 2, raw, tmp_path, seed=1)
