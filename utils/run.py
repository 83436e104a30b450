#!/usr/bin/env python3
"""Run a command, or one per value of a job variable, on this machine, with a log each: Kaldi's run.pl.

    run.py [options] [JOB=1:N] LOG command [argument ...]

JOB (any name) is replaced by the number of the job, as a whole token, in LOG and in the command.
Options, with one dash or two, "-" or "_" inside names:

    --num_threads N    threads of one job; exported as OMP_NUM_THREADS
    --gpu N            GPUs of one job; exported as CUDA_VISIBLE_DEVICES, least loaded first, those
                       last that jobs of another run.py are on
    --max_jobs_run M   jobs at a time (default: as many as the cores or the GPUs carry)
    --mem X, --time T, --config F, --name S    for schedulers; nothing to do on one machine

Pipes and redirections come as arguments of their own: run.py LOG cat a '|' sort '>' b. Without them the
command is started as it is, with no shell between.
"""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from bound import die_with_parent
from jobs import OPERATORS, Request, die, parse, program, report, shell_line


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


class Job:
    """One started command and its log."""

    def __init__(self, number: int, request: Request, gpus: list[str], environment: dict[str, str]) -> None:
        self.number, self.gpus, self.threads = number, gpus, request.number("num_threads", 1)
        self.log, words = request.of_job(number)
        self.began = time.time()
        line = shell_line(words)
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            self.file: IO[bytes] = self.log.open("wb", buffering=0)
        except OSError as error:
            die(f"cannot write the log {self.log}: {error.strerror}")
        self.note(f"# {line}\n# Started at {time.ctime(self.began)}\n#\n")
        if OPERATORS.intersection(words):
            words = ["bash", "-c", f"set -e -o pipefail; {line}"]
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
            self.note(f"{words[0]}: {error.strerror}\n")

    def note(self, text: str) -> None:
        """Add to the log; on a full disk, to stderr instead: the jobs are to be waited for in any case."""
        try:
            self.file.write(text.encode())
        except OSError as error:
            print(f"{program()}: cannot write to {self.log}: {error.strerror}\n{text}", end="", file=sys.stderr)

    def poll(self) -> int | None:
        """Status when the job has ended (its log is closed then), None while it runs."""
        status = 127 if self.process is None else self.process.poll()
        if status is not None and not self.file.closed:
            seconds = round(time.time() - self.began)
            code = f"{status}" if status >= 0 else f"{128 - status}, signal {-status}"
            self.note(f"# Accounting: time={seconds} threads={self.threads}\n")
            self.note(f"# Ended (code {code}) at {time.ctime()}, elapsed time {seconds} seconds\n")
            self.file.close()
        return status

    def signal(self, number: int) -> None:
        """Send a signal to the job and all that it started, which may outlive it."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, number)


class Runner:
    """Keeps as many jobs running as the machine carries."""

    def __init__(self, request: Request) -> None:
        self.request = request
        threads = request.number("num_threads", 1)
        self.gpus_per_job = request.number("gpu", 0)
        self.gpus = list_gpus() if self.gpus_per_job else []
        if self.gpus_per_job > len(self.gpus):
            die(f"{self.gpus_per_job} GPUs a job are asked for, {len(self.gpus)} are here")
        carried = len(self.gpus) // self.gpus_per_job if self.gpus_per_job else (os.cpu_count() or 1) // threads
        self.at_a_time = max(1, request.number("max_jobs_run", carried))
        self.running: list[Job] = []
        self.failed: list[int] = []  # their numbers, in the order of their ends
        self.held: dict[str, int] = {}  # descriptors of GPUs' locks
        self.parent = os.getppid()
        self.caught = 0

    def catch(self, number: int, _frame: object) -> None:
        """Note a signal. It is acted on between two looks at the jobs, never while one of them is being started."""
        self.caught = number

    def start(self, number: int) -> None:
        """Start one job on the GPUs that carry the fewest others."""
        gpus = self.least_loaded()
        environment = dict(os.environ)
        if gpus:
            environment |= {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", "CUDA_VISIBLE_DEVICES": ",".join(gpus)}  # as nvidia-smi counts
        if "num_threads" in self.request.options:
            environment["OMP_NUM_THREADS"] = self.request.options["num_threads"]
        self.running.append(Job(number, self.request, gpus, environment))

    def least_loaded(self) -> list[str]:
        """GPUs of a job: first those that neither these jobs nor another run.py's are on."""
        if not self.gpus_per_job:
            return []
        load = {gpu: sum(gpu in job.gpus for job in self.running) for gpu in self.gpus}
        chosen: list[str] = []
        for gpu in sorted(self.gpus, key=load.__getitem__):
            if len(chosen) < self.gpus_per_job and self.hold(gpu):
                chosen.append(gpu)
        others = sorted(set(self.gpus) - set(chosen), key=load.__getitem__)
        return (chosen + others)[: self.gpus_per_job]

    def hold(self, gpu: str) -> bool:
        """Take a GPU, as long as this process lives; False when another run.py of this user has it."""
        if gpu not in self.held:
            path = Path(tempfile.gettempdir(), f"run.py.{os.getuid()}.gpu{gpu.replace('/', '_')}.lock")
            lock = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
                return False
            self.held[gpu] = lock
        return True

    def reap(self) -> None:
        """Take out the jobs that have ended."""
        for job in list(self.running):
            status = job.poll()
            if status is not None:
                self.running.remove(job)
                if status != 0:
                    self.failed.append(job.number)

    def run(self) -> bool:
        """Run all jobs. One that fails does not stop the others: their work is not lost. False when told to stop."""
        waiting = list(self.request.numbers)
        pause = 0.005
        while waiting or self.running:
            while waiting and len(self.running) < self.at_a_time and not self.caught:
                self.start(waiting.pop(0))
            time.sleep(pause)
            pause = min(0.2, pause * 1.2)
            self.reap()
            if self.caught or os.getppid() != self.parent:  # the script that called is dead: nobody waits for these jobs
                self.stop()
                return False
        return True

    def stop(self) -> None:
        """End the running jobs with all that they started: politely, then not."""
        jobs = list(self.running)
        for number, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 1.0)):
            for job in jobs:
                job.signal(number)
            deadline = time.time() + patience
            while self.running and time.time() < deadline:
                time.sleep(0.05)
                self.reap()


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 when every job ended well, 1 when one failed, 128 + n on signal n."""
    runner = Runner(parse(sys.argv[1:] if argv is None else argv, __doc__))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, runner.catch)
    if not runner.run():
        print(f"{program()}: stopped; log is in {runner.request.log}", file=sys.stderr)
        return 128 + (runner.caught or signal.SIGHUP)
    if runner.failed:
        report(runner.request, runner.failed)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
