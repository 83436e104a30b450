"""What the job runners share: run.pl's command line, a job's log, and the report of what failed."""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

OPERATORS = {"|", "||", "&&", ";", "<", ">", ">>", "2>", "2>>", "2>&1"}
NUMBERS = {"num_threads", "gpu", "max_jobs_run"}
WORDS = {"mem", "time", "config", "name"}
TAIL = 20  # lines of a failing log that are shown


def program() -> str:
    """Name of the running job runner."""
    return Path(sys.argv[0]).name


def die(message: str) -> NoReturn:
    """Print ``message`` as the error of the running job runner and leave with status 1."""
    print(f"{program()}: {message}", file=sys.stderr)
    sys.exit(1)


@dataclass
class Request:
    """What the command line asks for."""

    log: str
    command: list[str]
    variable: str | None = None
    numbers: range = range(1, 2)
    options: dict[str, str] = field(default_factory=dict)

    def number(self, option: str, default: int) -> int:
        """Value of an option that is a number."""
        return int(self.options.get(option, default))

    def of_job(self, number: int) -> tuple[Path, list[str]]:
        """Log file and arguments of one job."""
        if self.variable is None:
            return Path(self.log), self.command
        token = re.compile(rf"(?<![A-Za-z0-9]){self.variable}(?![A-Za-z0-9])")
        return Path(token.sub(str(number), self.log)), [token.sub(str(number), word) for word in self.command]


def parse(argv: list[str], about: str | None) -> Request:
    """Read run.pl's command line; ``--help`` shows what the job runner says ``about`` itself, and leaves."""
    words = list(argv)
    if words == ["--help"]:
        print(about)
        sys.exit(0)
    options: dict[str, str] = {}
    while words and words[0].startswith("-"):
        switch = words.pop(0)
        name = switch.lstrip("-").replace("-", "_")
        if name not in NUMBERS | WORDS:
            die(f"unknown option {switch}; known are {', '.join(sorted(NUMBERS | WORDS))}")
        if not words:
            die(f"option {switch} needs a value")
        options[name] = words.pop(0)
        if name in NUMBERS and not options[name].isdigit():
            die(f"option {switch} needs a number, not {options[name]!r}")
    variable, numbers = None, range(1, 2)
    if words and (match := re.fullmatch(r"([A-Za-z_]\w*)=(\d+)(?::(\d+))?", words[0])):
        variable, first, last = match[1], int(match[2]), int(match[3] or match[2])
        if last < first:
            die(f"no jobs in {words[0]}")
        numbers = range(first, last + 1)
        words.pop(0)
    if len(words) < 2:
        die(f"usage: {program()} [options] [JOB=1:N] LOG command [argument ...]")
    request = Request(words[0], words[1:], variable, numbers, options)
    if len(numbers) > 1 and request.of_job(1)[0] == request.of_job(2)[0]:
        die(f"the log of {len(numbers)} jobs must hold {variable}: {request.log}")
    return request


def shell_line(words: list[str]) -> str:
    """A command as a shell reads it: each word quoted, pipes and redirections not."""
    return " ".join(word if word in OPERATORS else shlex.quote(word) for word in words)


def report(request: Request, failed: list[int]) -> None:
    """Say which jobs failed; the command of the first of them and the end of its log."""
    log, words = request.of_job(failed[0])
    print(f"{program()}: {len(failed)} of {len(request.numbers)} failed, log is in {request.log}", file=sys.stderr)
    print(f"{program()}: the command was: {shell_line(words)}", file=sys.stderr)
    if not log.exists():
        print(f"{program()}: there is no log: it was never started, or {log.parent} cannot be written to", file=sys.stderr)
        return
    print(f"{program()}: the last lines of {log}:", file=sys.stderr)
    for line in log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL:]:
        print(f"    {line}", file=sys.stderr)
