"""What the list tools of utils/ share: reading lines by their key, bytewise order, one-line errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn


def die(message: str) -> NoReturn:
    """Print ``message`` as the error of the running tool and leave with status 1."""
    print(f"{Path(sys.argv[0]).name}: {message}", file=sys.stderr)
    sys.exit(1)


def read_lines(path: str) -> list[str]:
    """Lines of a text file without their ends; ``-`` is standard input."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return data.decode("utf-8").removesuffix("\n").split("\n") if data else []  # no other character ends a line
    except OSError as error:
        die(f"cannot read {path}: {error.strerror}")
    except UnicodeDecodeError as error:
        die(f"{path} is not UTF-8 (byte {error.start}): convert it with iconv")


def read_table(path: str) -> dict[str, list[str]]:
    """``<key> <field> ...`` lines by key, in the order of the file; an empty line or a key twice is an error."""
    table: dict[str, list[str]] = {}
    for number, line in enumerate(read_lines(path), start=1):
        key, *fields = line.split() or [""]
        if not key:
            die(f"{path}:{number} is empty: remove the line")
        if key in table:
            die(f"{path}:{number} has {key} for the second time: keep one of the lines")
        table[key] = fields
    return table


def in_byte_order(names: Iterable[str]) -> list[str]:
    """Sorted as ``LC_ALL=C sort`` does."""
    return sorted(names, key=os.fsencode)


def usage(text: str | None) -> NoReturn:
    """Show how a tool is called (its docstring) and leave: with status 0 when asked to (--help), else 2."""
    asked = sys.argv[1:] == ["--help"]
    print(text, file=sys.stdout if asked else sys.stderr)
    sys.exit(0 if asked else 2)
