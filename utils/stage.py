#!/usr/bin/env python3
"""Markers of finished stages: has this stage been done with these inputs and options?

    stage.py check --marker M [--inputs F ...] [--options K=V ...] [--outputs F ...] [--writes FOLDER] [--work KIND=AMOUNT]
    stage.py begin --marker M [--inputs F ...] [--options K=V ...] [--work KIND=AMOUNT]
    stage.py done  --marker M [--outputs F ...] [--writes FOLDER] [--command TEXT] [--parent PID -- COMMAND ...]
    stage.py answer

``check`` leaves with status 0 when the marker holds the same fingerprint and every output is there; otherwise it prints
why the stage is to be done and leaves with 1 (never done, broken off, an output is gone: what is there can be taken
up) or 3 (done or begun with other inputs or options: what is there must not be). A second line is estimate.py's: seconds,
bytes and a sentence on what FOLDER will get. ``begin`` notes the fingerprint in
``M.begun``: what counts is how the inputs were when the work began, not what became of them meanwhile. ``done`` asserts
the outputs and turns the note into the marker (first it runs COMMAND, if there is one, for its parent PID, and leaves
with its status if that is not 0), ``.done/<n>_<name>[.<tag>].json``: stage, name, tag, fingerprint, seconds (of the
last session), sessions (1, and 1 more for each time the stage was taken up again), host, work, bytes (in FOLDER, changed
since the work began), finished, command, options, inputs.
``answer`` stays and answers one question after the other, since a Python process for each unit takes a minute for a thousand:
from its input the words of a ``check``, a NUL behind each, and the word newline; to its output the status and what ``check``
prints, a line each, and a NUL.

A fingerprint is made of the options and of the inputs: content of files under 1 MB, size and time of change of larger
ones, names, sizes and times of all files in a folder. Give a small file that stands for a folder where there is one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

from bound import die_with_parent
from estimate import Record, plan, written

HASHED_BELOW = 1 << 20  # bytes
TAKE_UP, ANEW = 1, 3  # exit statuses of check
END = b"\0\n\0"  # of a question
KEYS = {"inputs", "options"}
NOTE_KEYS = KEYS | {"work", "first_began", "began", "sessions"}


def die(message: str) -> NoReturn:
    """Print ``message`` as this tool's error and leave with status 2."""
    print(f"stage.py: {message}", file=sys.stderr)
    sys.exit(2)


def stat_of(path: Path) -> str:
    """Size and time of change of a file."""
    stat = path.stat()
    return f"{stat.st_size} bytes {stat.st_mtime_ns}"


def digest(path: Path) -> str:
    """What stands for the state of a file or folder; ``missing`` for none."""
    if path.is_dir():
        lines = []
        for root, folders, files in os.walk(path):
            folders.sort()
            lines += [f"{Path(root, name).relative_to(path)} {stat_of(Path(root, name))}" for name in sorted(files)]
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()
    if not path.exists():
        return "missing"
    if path.stat().st_size < HASHED_BELOW:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    return stat_of(path)


def read(path: Path, keys: set[str]) -> Record | None:
    """A marker with these keys, or None when there is none that can be read (a torn one counts as none: the stage is redone)."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and keys <= record.keys() else None


def write(path: Path, record: Record) -> None:
    """Write a marker, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
        os.replace(temporary, path)
    except OSError as error:
        die(f"cannot write {path}: {error.strerror}")


def note_of(marker: Path) -> Path:
    """Where the state at the begin of the work is noted."""
    return marker.with_name(f"{marker.name}.begun")


def differences(old: Record, new: Record) -> list[str]:
    """Which inputs and options differ, in words."""
    changed = []
    for name in sorted(old["options"].keys() | new["options"].keys()):
        before, now = old["options"].get(name), new["options"].get(name)
        if before != now:
            changed.append(f"option {name} was {before!r}, is {now!r}")
    for name in sorted(old["inputs"].keys() | new["inputs"].keys()):
        before, now = old["inputs"].get(name), new["inputs"].get(name)
        if before != now:
            changed.append(f"{name} changed" if before and now else f"{name} is {'no longer' if before else 'now'} an input")
    return changed


def check(marker: Path, state: Record, outputs: list[Path]) -> tuple[int, str]:
    """1 or 3 (see above) and why the stage is to be done, or 0."""
    finished, begun = read(marker, KEYS), read(note_of(marker), NOTE_KEYS)
    earlier = finished or begun
    if earlier is None:
        return TAKE_UP, "not done yet"
    if changed := differences(earlier, state):
        return ANEW, "; ".join(changed)
    if finished is None:
        return TAKE_UP, "was not finished"
    if missing := [str(path) for path in outputs if not path.exists()]:
        return TAKE_UP, f"{', '.join(missing)} missing"
    return 0, ""


def begin(marker: Path, state: Record, work: dict[str, float]) -> int:
    """Note that the work begins, and on what."""
    note = note_of(marker)
    broken_off = read(note, NOTE_KEYS)
    taken_up = broken_off is not None and not differences(broken_off, state)
    marker.unlink(missing_ok=True)
    now = time.time()
    sessions, first_began = 1, now
    if taken_up:
        sessions, first_began = broken_off["sessions"] + 1, broken_off["first_began"]
    write(note, {**state, "work": work, "first_began": first_began, "began": now, "sessions": sessions})
    return 0


def run(command: list[str], parent: int) -> int:
    """Run a command to its end; its status. Should the script that called die, so does this process, and a job runner sees it."""
    die_with_parent()
    if os.getppid() != parent:
        die(f"process {parent}, which asked for {command[0]}, has ended")
    status = subprocess.run(command, check=False).returncode
    return status if status >= 0 else 128 - status


def finish(marker: Path, outputs: list[Path], folder: str, command: str, began: float | None) -> int:
    """Assert the outputs and leave the marker; ``began``, if the work did later than was noted: it waited for its place."""
    missing = [str(path) for path in outputs if not path.exists()]
    if missing:
        die(f"the stage ended without an error but did not write {', '.join(missing)}")
    record = read(note_of(marker), NOTE_KEYS)
    if record is None:
        die(f"{note_of(marker)} is missing: was exp removed while the stage ran?")
    number, _, rest = marker.stem.partition("_")
    name, _, tag = rest.partition(".")
    fingerprint = hashlib.sha256(json.dumps([record["inputs"], record["options"]]).encode()).hexdigest()
    write(
        marker,
        {
            "stage": int(number),
            "name": name,
            "tag": tag,
            "fingerprint": fingerprint,
            "seconds": round(time.time() - (began or record["began"]), 1),
            "sessions": record["sessions"],
            "host": socket.gethostname(),
            "work": record["work"],
            "bytes": written(Path(folder), record["first_began"]) if folder else 0,
            "finished": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "command": command,
            "options": record["options"],
            "inputs": record["inputs"],
        },
    )
    note_of(marker).unlink()
    return 0


def questions() -> Iterator[list[str]]:
    """Words of one question after the other, from standard input. Who asks waits for the answer: no two are read at a time."""
    asked = b""
    while more := os.read(sys.stdin.fileno(), 1 << 16):
        asked += more
        if asked.endswith(END):
            yield os.fsdecode(asked[: -len(END)]).split("\0")
            asked = b""


def perform(words: list[str]) -> tuple[int, list[str]]:
    """Status of a command line, and what there is to say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("action", choices=("check", "begin", "done"))
    parser.add_argument("--marker", type=Path, required=True)
    parser.add_argument("--inputs", nargs="*", default=[])
    parser.add_argument("--options", nargs="*", default=[])
    parser.add_argument("--outputs", nargs="*", type=Path, default=[])
    parser.add_argument("--writes", default="")
    parser.add_argument("--work", default="")
    parser.add_argument("--command", default="")
    parser.add_argument("--parent", type=int)
    end = words.index("--") if "--" in words else len(words)
    args = parser.parse_args(words[:end])
    if args.action == "done":
        began = time.time() if words[end:] else None
        status = run(words[end + 1 :], args.parent) if words[end:] else 0
        return status or finish(args.marker, args.outputs, args.writes, args.command, began), []
    kind, _, amount = args.work.partition("=")
    work = {kind: float(amount)} if amount else {}
    options = dict(option.partition("=")[::2] for option in args.options)
    state = {"options": options, "inputs": {name: digest(Path(name)) for name in sorted(args.inputs)}}
    if args.action == "begin":
        return begin(args.marker, state, work), []
    status, why = check(args.marker, state, args.outputs)
    if status == 0:
        return 0, []
    return status, [why, plan(args.marker, args.writes, work)] if args.writes else [why]


def main(argv: list[str]) -> int:
    """Run the command line."""
    if argv == ["answer"]:
        for words in questions():
            status, says = perform(words)
            print(status, *says, sep="\n", end="\0", flush=True)
        return 0
    status, says = perform(argv)
    if says:
        print(*says, sep="\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
