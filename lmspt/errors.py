"""The one error a user causes and can mend, and how commands show it."""

from __future__ import annotations

import errno
import os
import sys
from argparse import Namespace
from collections.abc import Callable, Sequence

# What a disk may refuse, and what to do about it; the work that is done is on the disk already.
MENDS = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some of your quota",
    errno.EROFS: "choose a folder that can be written to (--dumpdir, --expdir, --resultsdir)",
    errno.EACCES: "mend its permissions",
    errno.EPERM: "mend its permissions",
    errno.ENOTDIR: "a file stands where a folder should be; move it away",
}

SHOWN = 20  # lines, of many


class InputError(Exception):
    """Bad input. The message names the file and line or the utterance, and says how to mend it."""


def require_given(args: Namespace, *names: str) -> None:
    """Stop at options of a command that only some of its uses need, if they are not given."""
    if missing := [f"--{name}" for name in names if getattr(args, name) is None]:
        raise InputError(f"{', '.join(missing)}: not given (--help says what it is)")


def some_of(lines: Sequence[str]) -> str:
    """The first of many lines, and how many more there are."""
    more = [f"... and {len(lines) - SHOWN} more"] if len(lines) > SHOWN else []
    return "\n".join([*lines[:SHOWN], *more])


def run_main(main: Callable[[], int | None]) -> None:
    """Run a command's ``main``; what the user can mend becomes one line on stderr and exit status 1."""
    try:
        status = main()
        sys.stdout.flush()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    except BrokenPipeError:  # of whom it tells what it found: "| head" has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # lest Python's own end complains
        status = 141  # as of a command that SIGPIPE ends
    except OSError as error:
        if error.errno not in MENDS:
            raise
        place = f"{error.filename}: " if error.filename else ""
        print(f"error: {place}{error.strerror}; {MENDS[error.errno]}, then run the same command again", file=sys.stderr)
        status = 1
    sys.exit(status or 0)
