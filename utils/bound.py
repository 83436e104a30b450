#!/usr/bin/env python3
"""Run a command that ends with its parent: bound.py command [argument ...]

The kernel kills it (Linux) when the process that started it is gone, however that went, so that no orphan goes on
writing where the next run writes. torchrun starts its workers in sessions of their own, where no signal to torchrun's
group finds them: each is to be started through this.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Have the kernel kill this process, and what it becomes by exec, when its parent is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def main(argv: list[str]) -> None:
    """Become the command."""
    if not argv or argv[0] in {"-h", "--help"}:
        print(__doc__)
        sys.exit(0 if argv else 2)
    parent = os.getppid()
    die_with_parent()
    if os.getppid() != parent:  # it died just before
        sys.exit(137)
    try:
        os.execvp(argv[0], argv)
    except OSError as error:
        print(f"bound.py: {argv[0]}: {error.strerror}", file=sys.stderr)
        sys.exit(127)


if __name__ == "__main__":
    main(sys.argv[1:])
