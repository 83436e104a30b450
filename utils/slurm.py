#!/usr/bin/env python3
"""Run a command, or one per value of a job variable, on a Slurm cluster, with a log each: run.py's command line.

    slurm.py [options] [JOB=1:N] LOG command [argument ...]

Several jobs are one job array. sbatch gets what the lines below say, then those of conf/slurm.conf (or --config F),
which win; they are in the format of Kaldi's slurm.pl. "*" is any value, $0 that value; --max_jobs_run M limits the array.

    command sbatch --export=ALL
    option mem=* --mem=$0
    option time=* --time=$0
    option name=* --job-name=$0
    option num_threads=* --cpus-per-task=$0
    option gpu=0
    option gpu=* --gres=gpu:$0

"default gpu=0" in conf/slurm.conf is what holds when the command line does not say.

A job leaves its status beside its script, in the folder q/ of the logs: the file system is to be shared by the nodes.
Of one that left none, sacct says how it ended. A signal, or the death of the calling script, cancels the jobs; so does
the next run with the same LOG, should this program have been killed itself.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

from jobs import Request, die, parse, program, report, shell_line

STATUS_LAG = 60.0  # seconds that a file of another node may take to be seen here
BUILT_IN = re.findall(r"^    ((?:command|option) .*)$", __doc__, re.MULTILINE)
UNDER_WAY = {"PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "REQUEUED", "RESIZING", "SUSPENDED", "STAGE_OUT", "SIGNALING"}


def call(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one of Slurm's programs; one that is not there is an error."""
    try:
        # in a session of its own: Ctrl-C is for us, not for an sbatch that has just handed the job over
        return subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, start_new_session=True)
    except OSError as error:
        die(f"{words[0]}: {error.strerror}: is this machine of the cluster? local/path.sh can put Slurm on PATH")


class Conf:
    """The lines that turn options into sbatch's."""

    def __init__(self, path: Path | None) -> None:
        self.command: list[str] = []
        self.lines: dict[tuple[str, str], list[str]] = {}
        self.defaults: dict[str, str] = {}
        own = path.read_text(encoding="utf-8").splitlines() if path else []
        for number, line in [*((0, line) for line in BUILT_IN), *enumerate(own, start=1)]:
            try:
                self._read(shlex.split(line, comments=True))
            except ValueError:
                die(f'{path}:{number}: "{line}" is not "command WORDS", "option name=value WORDS" or "default name=value"')

    def _read(self, words: list[str]) -> None:
        match words:
            case []:
                pass
            case ["command", *command] if command:
                self.command = command
            case ["option", setting, *given]:
                name, value = setting.split("=")
                self.lines[name, value] = given
            case ["default", setting]:
                name, value = setting.split("=")
                self.defaults[name] = value
            case _:
                raise ValueError

    def sbatch(self, options: dict[str, str]) -> list[str]:
        """The command with these options."""
        words = [*self.command, "--parsable"]
        for name, value in {**self.defaults, **options}.items():
            if name in {"config", "max_jobs_run"}:
                continue
            line = self.lines.get((name, value), self.lines.get((name, "*")))
            if line is None:
                die(f'no line says what "--{name} {value}" is for sbatch: write "option {name}=* ..." into conf/slurm.conf')
            words += [word.replace("$0", value) for word in line]
        return words


class Jobs:
    """The jobs of one request: scripts, submission, and how each ended."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.conf = Conf(self._conf_file())
        self.waiting = list(request.numbers)
        self.failed: list[int] = []
        self.unseen: dict[int, float] = {}  # since when squeue does not know a job that left no status
        self.caught = 0
        self.parent = os.getppid()
        self.spool = request.of_job(self.waiting[0])[0].parent / "q"
        self.name = Path(request.log).name
        self.id_file = self.spool / f"{self.name}.id"

    def _conf_file(self) -> Path | None:
        path = Path(self.request.options.get("config", "conf/slurm.conf"))
        if not path.exists() and "config" in self.request.options:
            die(f"no such file: {path}")
        return path if path.exists() else None

    def file(self, number: int, kind: str) -> Path:
        """A file of one job in the spool."""
        return self.spool / f"{self.name}.{number}.{kind}"

    def script(self, number: int) -> str:
        """What the node runs for one job."""
        line = shell_line(self.request.of_job(number)[1])
        status = shlex.quote(str(self.file(number, "status")))
        threads = self.request.options.get("num_threads")
        return f"""cd {shlex.quote(os.getcwd())} || exit 1
{f"export OMP_NUM_THREADS={threads}" if threads else ""}
printf '# %s\\n# Running on %s\\n# Started at %s\\n#\\n' {shlex.quote(line)} "${{HOSTNAME}}" "$(date)"
bash -c {shlex.quote(f"set -e -o pipefail; {line}")} < /dev/null
status=$?
echo "# Accounting: time=${{SECONDS}} threads={threads or 1}"
echo "# Ended (code ${{status}}) at $(date), elapsed time ${{SECONDS}} seconds"
echo "${{status}}" > {status}.new && mv {status}.new {status}
exit "${{status}}"
"""

    def submit(self) -> None:
        """Write the scripts and hand them to sbatch."""
        try:
            self.spool.mkdir(parents=True, exist_ok=True)
            self.end_earlier()
            for number in self.waiting:
                log = self.request.of_job(number)[0]
                log.parent.mkdir(parents=True, exist_ok=True)
                log.unlink(missing_ok=True)
                self.file(number, "status").unlink(missing_ok=True)
                self.file(number, "sh").write_text(self.script(number), encoding="utf-8")
            array = len(self.waiting) > 1
            index = "${SLURM_ARRAY_TASK_ID}" if array else str(self.waiting[0])
            whole = self.spool / f"{self.name}.sbatch"
            prefix = shlex.quote(str(self.spool.absolute() / self.name))
            whole.write_text(f'#!/usr/bin/env bash\nexec bash {prefix}."{index}".sh\n', encoding="utf-8")
        except OSError as error:
            die(f"cannot write {error.filename}: {error.strerror}")
        words = self.conf.sbatch(self.request.options)
        if array:
            limit = self.request.options.get("max_jobs_run")
            words.append(f"--array={self.waiting[0]}-{self.waiting[-1]}{f'%{limit}' if limit else ''}")
        log = self.request.log
        if array and self.request.variable:
            log = re.sub(rf"(?<![A-Za-z0-9]){self.request.variable}(?![A-Za-z0-9])", "%a", log)
        elif self.request.variable:
            log = str(self.request.of_job(self.waiting[0])[0])
        done = call(*words, f"--output={log}", "--open-mode=append", str(whole))
        if done.returncode != 0:
            die(f"{shlex.join(words)} did not take the job: {done.stderr.strip()}")
        self.id_file.write_text(done.stdout.strip().split(";")[0] + "\n", encoding="utf-8")

    def id(self) -> str:
        """Slurm's number of the job."""
        return self.id_file.read_text(encoding="utf-8").strip()

    def end_earlier(self) -> None:
        """Cancel the job of an earlier run with this log, whose slurm.py was killed: two would write the same files."""
        if self.id_file.exists():
            queued = self.queued()
            if queued is None:
                die(f"squeue does not say whether job {self.id()} of an earlier run is still there; run this again when it answers")
            if queued:
                print(f"{program()}: job {self.id()} of an earlier run is still there: it is cancelled", file=sys.stderr)
                self.cancel()
            self.id_file.unlink()

    def queued(self) -> set[int] | None:
        """Which jobs wait or run; None when squeue does not say."""
        done = call("squeue", "--noheader", "--array", f"--jobs={self.id()}", "--format=%K")
        if done.returncode != 0:
            return set() if "Invalid job id" in done.stderr else None
        first = self.request.numbers[0]
        return {int(index) if index.isdigit() else first for index in done.stdout.split()}

    def accounted(self, number: int) -> tuple[str, int] | None:
        """State and exit status of a job that has ended, as sacct has them."""
        name = f"{self.id()}_{number}" if len(self.request.numbers) > 1 else self.id()
        done = call("sacct", "--noheader", "--parsable2", "--allocations", f"--jobs={name}", "--format=State,ExitCode")
        if done.returncode != 0 or not done.stdout.strip():
            return None
        state, exit_code = done.stdout.splitlines()[-1].split("|")
        state = state.split()[0]  # "CANCELLED by 1000"
        status = int(exit_code.split(":")[0])
        return None if state in UNDER_WAY else (state, 0 if state == "COMPLETED" else status or 1)

    def reap(self) -> None:
        """Take out the jobs that left their status."""
        names = set(os.listdir(self.spool))  # asks the file server anew
        for number in list(self.waiting):
            if self.file(number, "status").name in names:
                self.end(number, int(self.file(number, "status").read_text(encoding="utf-8")))

    def look_for_lost(self) -> None:
        """Take out the jobs that ended without leaving a status: killed, out of memory or time, the node lost."""
        queued = self.queued()
        if queued is None:
            return
        self.reap()
        for number in list(self.waiting):
            if number in queued:
                self.unseen.pop(number, None)
                continue
            since = self.unseen.setdefault(number, time.time())
            known = self.accounted(number)
            if known:
                state, status = known
                self.end(number, status, f"slurm: {state}")
            elif time.time() - since > STATUS_LAG:
                self.end(number, 1, "gone from the queue, it left no status")

    def end(self, number: int, status: int, how: str = "") -> None:
        """Note the end of a job."""
        self.waiting.remove(number)
        if status != 0:
            self.failed.append(number)
        if how:
            path = self.request.of_job(number)[0]
            try:
                with path.open("a", encoding="utf-8") as log:
                    log.write(f"# Ended ({how}) at {time.ctime()}\n")
            except OSError as error:
                print(f"{program()}: job {number} ended ({how}); cannot write to {path}: {error.strerror}", file=sys.stderr)

    def catch(self, number: int, _frame: object) -> None:
        """Note a signal."""
        self.caught = number

    def wait(self) -> bool:
        """Wait for all jobs; one that fails does not stop the others. False when told to stop."""
        began = asked = time.time()
        pause = 0.05
        while True:
            self.reap()
            if not self.waiting:
                self.id_file.unlink()
                return True
            if self.caught or os.getppid() != self.parent:
                self.cancel()
                return False
            if time.time() - asked > min(15.0, 1.0 + (time.time() - began) / 20):
                self.look_for_lost()
                asked = time.time()
            time.sleep(pause)
            pause = min(5.0, pause * 1.1)

    def cancel(self) -> None:
        """End the jobs, and wait until none runs."""
        call("scancel", self.id())
        deadline = time.time() + STATUS_LAG
        while self.queued() != set():
            if time.time() > deadline:
                die(f"job {self.id()} does not end: scancel it by hand before the next run")
            time.sleep(0.5)


def main(argv: list[str] | None = None) -> int:
    """Run the command line; 0 when every job ended well, 1 when one failed, 128 + n on signal n."""
    jobs = Jobs(parse(sys.argv[1:] if argv is None else argv, __doc__))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, jobs.catch)
    jobs.submit()
    if not jobs.wait():
        print(f"{program()}: cancelled job {jobs.id()}; log is in {jobs.request.log}", file=sys.stderr)
        return 128 + (jobs.caught or signal.SIGHUP)
    if jobs.failed:
        report(jobs.request, jobs.failed)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
