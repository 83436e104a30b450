"""utils/run.py: run.pl's command line, logs, failures, and no orphans."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.utils.shell import UTILS, Run


def test_log_of_one_job(run: Run, tmp_path: Path) -> None:
    done = run("run.py", "--mem", "2G", "-time", "1", "logs/a.log", "printf", "%s\n", "two words", "$HOME", "JOB")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log = re.sub(r"\w{3} \w{3} [ \d]\d [\d:]{8} \d{4}", "DATE", (tmp_path / "logs" / "a.log").read_text())
    assert re.sub(r"time=\d|time \d", "TIME", log) == (
        "# printf '%s\n' 'two words' '$HOME' JOB\n# Started at DATE\n#\n"
        "two words\n$HOME\nJOB\n"
        "# Accounting: TIME threads=1\n# Ended (code 0) at DATE, elapsed TIME seconds\n"
    )


def test_job_variable_is_replaced_as_a_token(run: Run, tmp_path: Path) -> None:
    assert run("run.py", "JOB=2:4", "log.JOB", "echo", "a.JOB.scp", "x_JOB", "JOBS", "MYJOB").returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.2", "log.3", "log.4"]
    assert "\na.3.scp x_3 JOBS MYJOB\n" in (tmp_path / "log.3").read_text()


def test_pipes_come_as_arguments(run: Run, tmp_path: Path) -> None:
    run("run.py", "log", "printf", "b\na\n", "|", "sort", ">", "out file")
    assert (tmp_path / "out file").read_text() == "a\nb\n"
    assert run("run.py", "log", "false", "|", "cat").returncode == 1


def test_failure_shows_command_and_end_of_the_first_failing_log(run: Run, tmp_path: Path) -> None:
    body = "[ JOB -lt 2 ] || { seq 30; echo trouble in JOB; exit 5; }; touch ok.JOB"
    done = run("run.py", "--max-jobs-run", "1", "JOB=1:3", "l.JOB", "bash", "-c", body)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "run.py: 2 of 3 failed, log is in l.JOB"
    assert lines[1].startswith("run.py: the command was: bash -c '[ 2 -lt 2 ]")
    assert lines[2] == "run.py: the last lines of l.2:"
    assert len(lines) == 3 + 20
    assert lines[-3] == "    trouble in 2"
    assert lines[-1].startswith("    # Ended (code 5) at ")
    assert (tmp_path / "ok.1").exists()


def test_program_that_is_not_there(run: Run, tmp_path: Path) -> None:
    assert run("run.py", "log", "no-such-program").returncode == 1
    assert "no-such-program: No such file or directory\n" in (tmp_path / "log").read_text()
    assert "# Ended (code 127)" in (tmp_path / "log").read_text()


def test_killed_job_is_a_failure(run: Run, tmp_path: Path) -> None:
    assert run("run.py", "log", "bash", "-c", "kill -9 $$").returncode == 1
    assert "# Ended (code 137, signal 9)" in (tmp_path / "log").read_text()


def test_job_out_of_memory(run: Run, tmp_path: Path) -> None:
    body = "import resource; resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28)); bytearray(1 << 29)"
    done = run("run.py", "log", sys.executable, "-c", body)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-3:-2] == ["    MemoryError"]


def test_logs_that_cannot_be_written(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = run("run.py", "file/log", "touch", "ran")
    assert (done.returncode, done.stderr) == (1, "run.py: cannot write the log file/log: File exists\n")
    assert not (tmp_path / "ran").exists()


def test_log_on_a_full_disk(run: Run, tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to("/dev/full")
    done = run("run.py", "log", "touch", "ran")
    assert done.returncode == 0
    assert done.stderr.count("run.py: cannot write to log: No space left on device\n") == 3
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--jobs", "3", "log", "true"], "unknown option --jobs"),
        (["--gpu", "one", "log", "true"], "option --gpu needs a number, not 'one'"),
        (["JOB=1:2", "log", "true"], "the log of 2 jobs must hold JOB: log"),
        (["JOB=3:1", "log.JOB", "true"], "no jobs in JOB=3:1"),
        (["log"], "usage: run.py"),
        (["--gpu", "2", "log", "true"], "2 GPUs a job are asked for, 1 are here"),
    ],
)
def test_bad_command_lines(run: Run, tmp_path: Path, arguments: list[str], message: str) -> None:
    done = run("run.py", *arguments, CUDA_VISIBLE_DEVICES="7")
    assert done.returncode == 1
    assert done.stderr.startswith(f"run.py: {message}")
    assert not list(tmp_path.iterdir())


def test_gpus_are_dealt_out(run: Run, tmp_path: Path) -> None:
    show = "echo gpus=$CUDA_VISIBLE_DEVICES; sleep 0.3"
    run("run.py", "--gpu", "1", "JOB=1:2", "l.JOB", "bash", "-c", show, CUDA_VISIBLE_DEVICES="3,5")
    seen = {re.search("^gpus=(.*)", (tmp_path / f"l.{job}").read_text(), re.MULTILINE)[1] for job in (1, 2)}
    assert seen == {"3", "5"}


def test_two_runners_take_other_gpus(run: Run, tmp_path: Path) -> None:
    show = "echo gpus=$CUDA_VISIBLE_DEVICES; "
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "3,5", "TMPDIR": str(tmp_path)}
    first = [UTILS / "run.py", "--gpu", "1", "a", "bash", "-c", f"{show} touch on; sleep 60"]
    with subprocess.Popen(first, cwd=tmp_path, env=environment) as other:
        try:
            deadline = time.time() + 60
            while not (tmp_path / "on").exists():
                assert time.time() < deadline
                time.sleep(0.05)
            run("run.py", "--gpu", "1", "b", "bash", "-c", show, **environment)
            run("run.py", "--gpu", "2", "both", "bash", "-c", show, **environment)
        finally:
            other.terminate()
    run("run.py", "--gpu", "1", "c", "bash", "-c", show, **environment)
    seen = {name: re.search("^gpus=(.*)", (tmp_path / name).read_text(), re.MULTILINE)[1] for name in ("a", "b", "both", "c")}
    assert seen == {"a": "3", "b": "5", "both": "5,3", "c": "3"}


def test_nvidia_smi_says_which_gpus_there_are(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'GPU 0: A (UUID: x)'\necho 'GPU 1: A (UUID: y)'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    show = "echo gpus=$CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER"
    run("run.py", "--gpu", "2", "log", "bash", "-c", show, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert "\ngpus=0,1 PCI_BUS_ID\n" in (tmp_path / "log").read_text()


def test_threads_are_exported(run: Run, tmp_path: Path) -> None:
    run("run.py", "--num-threads", "3", "l", "bash", "-c", "echo threads=$OMP_NUM_THREADS")
    assert "threads=3\n" in (tmp_path / "l").read_text()


def test_no_more_jobs_at_a_time_than_asked(run: Run, tmp_path: Path) -> None:
    body = "mkdir lock && sleep 0.1 && rmdir lock"
    assert run("run.py", "--max_jobs_run", "1", "JOB=1:4", "l.JOB", "bash", "-c", body).returncode == 0


def started(tmp_path: Path, wrapper: list[str]) -> tuple[subprocess.Popen[bytes], int]:
    """run.py on a job with a child of its own; the pid of that child."""
    body = "bash -c 'echo $$ > pid; while true; do sleep 0.05; done' & wait"
    command = [*wrapper, sys.executable, str(UTILS / "run.py"), "log", "bash", "-c", body]
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE)
    return process, pid_in(tmp_path / "pid")


def pid_in(path: Path) -> int:
    deadline = time.time() + 20
    while not (path.exists() and path.read_text().strip()):
        assert time.time() < deadline
        time.sleep(0.02)
    return int(path.read_text())


def is_gone(pid: int) -> bool:
    deadline = time.time() + 10
    while time.time() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_job_and_its_children(tmp_path: Path, number: int, status: int) -> None:
    process, pid = started(tmp_path, [])
    process.send_signal(number)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == status
    assert errors == b"run.py: stopped; log is in log\n"
    assert is_gone(pid)
    assert "# Ended (code 143, signal 15)" in (tmp_path / "log").read_text()


def test_jobs_end_when_the_calling_script_is_killed(tmp_path: Path) -> None:
    script, pid = started(tmp_path, ["bash", "-c", '"$@"; true', "script"])
    script.kill()
    script.communicate(timeout=20)
    assert is_gone(pid)


def test_torchrun_workers_end_with_it(tmp_path: Path) -> None:
    """A worker is a session of its own, as torchrun makes them: bound.py has it end when torchrun is killed."""
    body = "setsid python3 $0 bash -c 'echo $$ > pid; while true; do sleep 0.05; done' & wait"
    command = [sys.executable, str(UTILS / "run.py"), "log", "bash", "-c", body, str(UTILS / "bound.py")]
    process = subprocess.Popen(command, cwd=tmp_path)
    pid = pid_in(tmp_path / "pid")
    process.kill()  # the kernel kills its job, the stand-in of torchrun, and that job's worker
    process.wait()
    assert is_gone(pid)
