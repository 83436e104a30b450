"""The one error a user causes and can mend, and how commands show it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence


class InputError(Exception):
    """Bad input. The message names the file and line or the utterance, and says how to mend it."""


def some_of(lines: Sequence[str], shown: int = 20) -> str:
    """The first of many lines, and how many more there are."""
    more = [f"... and {len(lines) - shown} more"] if len(lines) > shown else []
    return "\n".join([*lines[:shown], *more])


def run_main(main: Callable[[], int | None]) -> None:
    """Run a command's ``main``; an :class:`InputError` becomes one line on stderr and exit status 1."""
    try:
        status = main()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        status = 1
    sys.exit(status or 0)
