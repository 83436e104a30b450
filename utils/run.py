#!/usr/bin/env python3
"""Run a command, or one per value of a job variable, on this machine, with a log each: Kaldi's run.pl.

    run.py [options] [JOB=1:N] LOG command [argument ...]

JOB (any name) is replaced by the number of the job, as a whole token, in LOG and in the command.
Options, with one dash or two, "-" or "_" inside names:

    --num_threads N    threads of one job; exported as OMP_NUM_THREADS
    --gpu N            GPUs of one job; exported as CUDA_VISIBLE_DEVICES, least loaded first
    --max_jobs_run M   jobs at a time (default: as many as the cores or the GPUs carry)
    --mem X, --time T, --config F, --name S    for schedulers; nothing to do on one machine

Pipes and redirections come as arguments of their own: run.py LOG cat a '|' sort '>' b. Without them the
command is started as it is, with no shell between.
"""

from __future__ import annotations

import ctypes
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, NoReturn

OPERATORS = {"|", "||", "&&", ";", "<", ">", ">>", "2>", "2>>", "2>&1"}
TAKES_NUMBER = {"num_threads", "gpu", "max_jobs_run"}
IGNORED = {"mem", "time", "config", "name"}
TAIL = 20  # lines of a failing log that are shown


def die(message: str) -> NoReturn:
    """Print ``message`` as this program's error and leave with status 1."""
    print(f"run.py: {message}", file=sys.stderr)
    sys.exit(1)


@dataclass
class Request:
    """What the command line asks for."""

    log: str
    command: list[str]
    variable: str | None = None
    numbers: range = range(1, 2)
    options: dict[str, int] = field(default_factory=dict)

    def of_job(self, number: int) -> tuple[Path, list[str]]:
        """Log file and arguments of one job."""
        if self.variable is None:
            return Path(self.log), self.command
        token = re.compile(rf"(?<![A-Za-z0-9]){self.variable}(?![A-Za-z0-9])")
        return Path(token.sub(str(number), self.log)), [token.sub(str(number), word) for word in self.command]


def parse(argv: list[str]) -> Request:
    """Read run.pl's command line."""
    words = list(argv)
    options: dict[str, int] = {}
    while words and words[0].startswith("-"):
        switch = words.pop(0)
        name = switch.lstrip("-").replace("-", "_")
        if name not in TAKES_NUMBER | IGNORED:
            die(f"unknown option {switch}; known are {', '.join(sorted(TAKES_NUMBER | IGNORED))}")
        if not words:
            die(f"option {switch} needs a value")
        value = words.pop(0)
        if name in TAKES_NUMBER:
            if not value.isdigit():
                die(f"option {switch} needs a number, not {value!r}")
            options[name] = int(value)
    variable, numbers = None, range(1, 2)
    if words and (match := re.fullmatch(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?", words[0])):
        variable, first, last = match[1], int(match[2]), int(match[3] or match[2])
        if last < first:
            die(f"no jobs in {words[0]}")
        numbers = range(first, last + 1)
        words.pop(0)
    if len(words) < 2:
        die("usage: run.py [options] [JOB=1:N] LOG command [argument ...]")
    request = Request(words[0], words[1:], variable, numbers, options)
    if len(numbers) > 1 and request.of_job(1)[0] == request.of_job(2)[0]:
        die(f"the log of {len(numbers)} jobs must hold {variable}: {request.log}")
    return request


def list_gpus() -> list[str]:
    """Ids of the GPUs that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [gpu for gpu in visible.split(",") if gpu]
    try:
        listing = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [str(number) for number in range(len([line for line in listing.splitlines() if line.startswith("GPU")]))]


def die_with_parent() -> None:
    """In the child: have the kernel kill it when run.py is gone (Linux), so that no orphan goes on writing."""
    if sys.platform == "linux":
        pr_set_pdeathsig = 1
        ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)


class Job:
    """One started command and its log."""

    def __init__(self, log: Path, words: list[str], environment: dict[str, str], gpus: list[str], threads: int) -> None:
        self.log, self.gpus, self.threads = log, gpus, threads
        self.line = " ".join(word if word in OPERATORS else shlex.quote(word) for word in words)
        self.began = time.time()
        log.parent.mkdir(parents=True, exist_ok=True)
        self.file: IO[str] = log.open("w", encoding="utf-8")
        self.file.write(f"# {self.line}\n# Started at {time.ctime(self.began)}\n#\n")
        self.file.flush()
        if OPERATORS.intersection(words):
            words = ["bash", "-c", f"set -e -o pipefail; {self.line}"]
        self.process: subprocess.Popen[bytes] | None = None
        try:
            self.process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=self.file,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        except OSError as error:
            self.file.write(f"{words[0]}: {error.strerror}\n")

    def poll(self) -> int | None:
        """Status when the job has ended (its log is closed then), None while it runs."""
        status = 127 if self.process is None else self.process.poll()
        if status is not None and not self.file.closed:
            seconds = round(time.time() - self.began)
            self.file.seek(0, os.SEEK_END)
            code = f"{status}" if status >= 0 else f"{128 - status}, signal {-status}"
            self.file.write(f"# Accounting: time={seconds} threads={self.threads}\n")
            self.file.write(f"# Ended (code {code}) at {time.ctime()}, elapsed time {seconds} seconds\n")
            self.file.close()
        return status

    def signal(self, number: int) -> None:
        """Send a signal to the job and all that it started."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, number)


class Runner:
    """Keeps as many jobs running as the machine carries."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.threads = request.options.get("num_threads", 1)
        self.gpus_per_job = request.options.get("gpu", 0)
        self.gpus = list_gpus() if self.gpus_per_job else []
        if self.gpus_per_job > len(self.gpus):
            die(f"{self.gpus_per_job} GPUs a job are asked for, {len(self.gpus)} are here")
        carried = len(self.gpus) // self.gpus_per_job if self.gpus_per_job else (os.cpu_count() or 1) // self.threads
        self.at_a_time = max(1, request.options.get("max_jobs_run", carried))
        self.running: list[Job] = []
        self.failed: list[Job] = []
        self.parent = os.getppid()

    def start(self, number: int) -> None:
        """Start one job on the GPUs that carry the fewest others."""
        load = {gpu: sum(gpu in job.gpus for job in self.running) for gpu in self.gpus}
        gpus = sorted(self.gpus, key=load.__getitem__)[: self.gpus_per_job]
        environment = dict(os.environ)
        if gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ",".join(gpus)
        if "num_threads" in self.request.options:
            environment["OMP_NUM_THREADS"] = str(self.threads)
        self.running.append(Job(*self.request.of_job(number), environment, gpus, self.threads))

    def reap(self) -> None:
        """Take out the jobs that have ended."""
        for job in list(self.running):
            status = job.poll()
            if status is not None:
                self.running.remove(job)
                if status != 0:
                    self.failed.append(job)

    def run(self) -> None:
        """Run all jobs. One that fails does not stop the others: their work is not lost."""
        waiting = list(self.request.numbers)
        pause = 0.005
        while waiting or self.running:
            while waiting and len(self.running) < self.at_a_time:
                self.start(waiting.pop(0))
            time.sleep(pause)
            pause = min(0.2, pause * 1.2)
            self.reap()
            if os.getppid() != self.parent:  # the script that called is dead; nobody waits for these jobs
                raise KeyboardInterrupt

    def stop(self) -> None:
        """End the running jobs with all that they started: politely, then not."""
        for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 1.0)):
            for job in self.running:
                job.signal(number)
            deadline = time.time() + patience
            while self.running and time.time() < deadline:
                time.sleep(0.05)
                self.reap()


def report(runner: Runner) -> None:
    """Say what failed: the command and the end of the first failing log."""
    first = runner.failed[0]
    count = len(runner.request.numbers)
    print(f"run.py: {len(runner.failed)} of {count} failed, log is in {runner.request.log}", file=sys.stderr)
    print(f"run.py: the command was: {first.line}", file=sys.stderr)
    print(f"run.py: the last lines of {first.log}:", file=sys.stderr)
    lines = first.log.read_text(encoding="utf-8", errors="replace").splitlines()
    for line in lines[-TAIL:]:
        print(f"    {line}", file=sys.stderr)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 when every job ended well, 1 when one failed, 128 + n on signal n."""
    runner = Runner(parse(sys.argv[1:] if argv is None else argv))
    caught = signal.SIGINT

    def interrupt(number: int, _frame: object) -> NoReturn:
        nonlocal caught
        caught = signal.Signals(number)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    try:
        runner.run()
    except KeyboardInterrupt:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        runner.stop()
        print(f"run.py: stopped; log is in {runner.request.log}", file=sys.stderr)
        return 128 + caught
    if runner.failed:
        report(runner)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
