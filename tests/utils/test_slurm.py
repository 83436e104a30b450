"""utils/slurm.py on a stand-in cluster: arrays, options, failures of every kind, and no job twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.utils.shell import ROOT, UTILS, Run


@pytest.fixture(autouse=True)
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The state of a cluster whose programs are on PATH."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("sbatch", "squeue", "sacct", "scancel"):
        (programs / name).symlink_to(ROOT / "tests/utils/stub_slurm.py")
    state = tmp_path / "state"
    state.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}")
    monkeypatch.setenv("SLURM_STUB", str(state))
    return state


def calls(cluster: Path, program: str) -> list[str]:
    return [line for line in (cluster / "calls.txt").read_text().splitlines() if line.startswith(program)]


def test_one_job(run: Run, tmp_path: Path, cluster: Path) -> None:
    done = run("slurm.py", "--mem", "4G", "--num-threads", "3", "logs/a.log", "bash", "-c", "echo $OMP_NUM_THREADS; pwd", "it's")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log = (tmp_path / "logs/a.log").read_text()
    assert log.startswith("# bash -c 'echo $OMP_NUM_THREADS; pwd' 'it'\"'\"'s'\n# Running on ")
    assert f"\n#\n3\n{tmp_path}\n# Accounting: time=" in log
    assert re.search(r" threads=3\n# Ended \(code 0\) at .*, elapsed time \d+ seconds\n$", log)
    (line,) = calls(cluster, "sbatch")
    assert line == (
        "sbatch --export=ALL --parsable --mem=4G --cpus-per-task=3 "
        "--output=logs/a.log --open-mode=append logs/q/a.log.sbatch"
    )  # fmt: skip


def test_array_where_one_fails(run: Run, tmp_path: Path, cluster: Path) -> None:
    body = "[ JOB -ne 3 ] || { echo trouble; exit 5; }"
    done = run("slurm.py", "--max_jobs_run", "2", "JOB=2:4", "l.JOB.log", "bash", "-c", body)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[:3] == [
        "slurm.py: 1 of 3 failed, log is in l.JOB.log",
        "slurm.py: the command was: bash -c '[ 3 -ne 3 ] || { echo trouble; exit 5; }'",
        "slurm.py: the last lines of l.3.log:",
    ]
    assert "    trouble" in lines and "# Ended (code 5)" in lines[-1]
    assert "# Ended (code 0)" in (tmp_path / "l.2.log").read_text()
    (line,) = calls(cluster, "sbatch")
    assert " --array=2-4%2 --output=l.%a.log " in line


def test_options_become_those_of_the_site(run: Run, tmp_path: Path, cluster: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/slurm.conf").write_text(
        "# ours\ncommand sbatch --export=ALL -A speech\noption gpu=0 -p cpu\n"
        "option gpu=* -p gpu --gres=gpu:a100:$0 --time=3-0\ndefault gpu=0\n"
    )
    assert run("slurm.py", "l", "true").returncode == 0
    assert run("slurm.py", "--gpu", "2", "l", "true").returncode == 0
    cpu, gpu = calls(cluster, "sbatch")
    assert cpu.startswith("sbatch --export=ALL -A speech --parsable -p cpu --output=l ")
    assert " -p gpu --gres=gpu:a100:2 --time=3-0 " in gpu


@pytest.mark.parametrize(
    ("conf", "arguments", "message"),
    [
        ("opton gpu=0", [], 'conf:1: "opton gpu=0" is not "command WORDS", "option name=value WORDS" or'),
        ("option gpu", [], 'conf:1: "option gpu" is not'),
        ("", ["--mem"], "option --mem needs a value"),
        ("command sbatch --qos=none", [], "did not take the job: sbatch: error: Batch job submission failed: Invalid qos"),
        ("command bsub", [], "bsub: No such file or directory: is this machine of the cluster?"),
    ],
)
def test_bad_requests(run: Run, tmp_path: Path, conf: str, arguments: list[str], message: str) -> None:
    (tmp_path / "conf").write_text(conf + "\n")
    done = run("slurm.py", "--config", "conf", *arguments, *(["l", "true"] if not arguments else []))
    assert done.returncode == 1
    assert message in done.stderr


def test_job_that_left_no_status(run: Run, tmp_path: Path, cluster: Path) -> None:
    done = run("slurm.py", "l", "bash", "-c", "echo big; kill -9 0")  # its process group: script, supervisor and all
    assert done.returncode == 1
    assert done.stderr.splitlines()[-2:][0] == "    big"
    assert "# Ended (slurm: OUT_OF_MEMORY) at " in done.stderr


def test_job_that_ended_well_and_could_not_say_so(run: Run, tmp_path: Path) -> None:
    # a folder in the way of the status stands for a disk that is full by then
    assert run("slurm.py", "l", "bash", "-c", "mkdir q/l.1.status.new").returncode == 0
    assert "# Ended (slurm: COMPLETED) at " in (tmp_path / "l").read_text()


def test_logs_that_cannot_be_written(run: Run, tmp_path: Path, cluster: Path) -> None:
    (tmp_path / "logs").write_text("a file")
    done = run("slurm.py", "logs/l", "true")
    assert (done.returncode, done.stderr) == (1, "slurm.py: cannot write logs/q: Not a directory\n")
    assert not (cluster / "calls.txt").exists()


def start(tmp_path: Path, *wrapper: str) -> subprocess.Popen[bytes]:
    """slurm.py on a job that goes on; returns when the job runs."""
    body = "echo $$ >> pids; sleep 60"
    command = [*wrapper, sys.executable, str(UTILS / "slurm.py"), "l", "bash", "-c", body]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    deadline = time.time() + 30
    while not ((tmp_path / "pids").exists() and (tmp_path / "q/l.id").exists()):
        assert time.time() < deadline
        time.sleep(0.02)
    return process


def test_a_signal_cancels_the_job(tmp_path: Path, cluster: Path) -> None:
    process = start(tmp_path)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert errors == b"slurm.py: cancelled job 100; log is in l\n"
    assert (cluster / "100_0.cancelled").exists()


def test_the_death_of_the_calling_script_cancels_the_job(tmp_path: Path, cluster: Path) -> None:
    script = start(tmp_path, "bash", "-c", '"$@"; true', "script")
    script.kill()
    script.communicate(timeout=30)
    assert (cluster / "100_0.cancelled").exists()


def test_a_job_that_was_left_behind_is_cancelled_before_the_next(run: Run, tmp_path: Path, cluster: Path) -> None:
    process = start(tmp_path)
    process.kill()
    process.communicate(timeout=30)
    assert not (cluster / "100_0.cancelled").exists()
    done = run("slurm.py", "l", "true")
    assert (done.returncode, done.stderr) == (0, "slurm.py: job 100 of an earlier run is still there: it is cancelled\n")
    assert (cluster / "100_0.cancelled").exists()
    assert not list((tmp_path / "q").glob("*.id"))


def test_what_squeue_does_not_tell_is_not_taken_for_the_end(run: Run, tmp_path: Path, cluster: Path) -> None:
    process = start(tmp_path)
    process.kill()
    process.communicate(timeout=30)
    (cluster / "squeue.down").touch()
    done = run("slurm.py", "l", "true")
    assert done.returncode == 1
    assert "squeue does not say whether job 100 of an earlier run is still there" in done.stderr
    assert len(calls(cluster, "sbatch")) == 1
