"""Kaldi tables: ``<key> <value>`` a line. Read with every complaint naming file and line; written whole, in byte order."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from lmspt.errors import InputError
from lmspt.files import write_text

# A key becomes a file name: no slash, no leading dot, no control characters, and room for a suffix.
KEY = re.compile(r"(?!\.)(?!.*#\d+\Z)[^\s/\x00-\x1f\x7f]+\Z")  # utt#2 is a variant of utt in a store of tokens
KEY_BYTES = 200


@dataclass(frozen=True)
class Problem:
    """Something wrong with a table.

    Attributes:
        message: names file and line or key, and says how to mend it.
        key: the utterance (or recording) that cannot be used because of it; "" where writing the table anew mends it.
        of_recording: whether ``key`` is one of ``wav.scp``.
    """

    message: str
    key: str = ""
    of_recording: bool = False


Found = Callable[[Problem], object]


def stop(problem: Problem) -> NoReturn:
    """What is done about a problem unless the caller collects them: its message becomes an :class:`InputError`."""
    raise InputError(problem.message)


def read_scp(path: str | Path, may_be_empty: bool = False, found: Found = stop) -> dict[str, str]:
    """A table by key, in the order of the file.

    Args:
        path: the table.
        may_be_empty: whether a key may stand alone (an empty hypothesis).
        found: called with each problem; if it returns, reading goes on (of a key that is there twice the first line counts).

    Raises:
        InputError: no such file, not UTF-8, a blank line, a key that cannot name a file, a key twice, a key alone.
    """
    path = Path(path)
    table: dict[str, str] = {}
    try:
        lines = _lines(path)
    except InputError as error:
        found(Problem(str(error)))
        return table
    for number, line in enumerate(lines, 1):
        key, *rest = line.split(maxsplit=1) or [""]
        value = rest[0].rstrip() if rest else ""
        wrong, spoilt = "", key
        if not key:
            wrong = "blank line; remove it"
        elif not is_key(key):
            wrong = f"'{key[:60]}' cannot be a key: at most {KEY_BYTES} bytes, no '/', no '.' at its head, no '#2' at its end"
        elif key in table:
            wrong = f"'{key}' is there twice; keep one of the lines"
            spoilt = "" if table[key] == value else key
        elif not value and not may_be_empty:
            wrong = f"'{key}' stands alone; write its value behind it or remove the line"
        if wrong:
            found(Problem(f"{path}:{number}: {wrong}", spoilt, path.name == "wav.scp"))
        if is_key(key):
            table.setdefault(key, value)
    return table


def is_key(word: str) -> bool:
    """Can a word be the key of a table, and so the name of a file?"""
    return KEY.match(word) is not None and len(word.encode()) <= KEY_BYTES


def write_scp(path: str | Path, table: Mapping[str, object]) -> None:
    """Write a table in byte order, as ``LC_ALL=C sort`` has it."""
    write_text(path, scp_text(table))


def scp_text(table: Mapping[str, object]) -> str:
    """What :func:`write_scp` writes."""
    return "".join(f"{key} {table[key]}".rstrip() + "\n" for key in in_byte_order(table))


def in_byte_order(keys: Iterable[str]) -> list[str]:
    """Keys sorted as ``LC_ALL=C sort`` does."""
    return sorted(keys, key=os.fsencode)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path}: no such file; run the stage that writes it")
    content = path.read_bytes()
    if content.startswith(b"\xef\xbb\xbf"):
        raise InputError(f"{path}:1: a byte order mark; remove it: sed -i '1s/^\\xEF\\xBB\\xBF//' {path}")
    try:
        lines = content.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        number = content[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{number}: not UTF-8; convert the file with iconv") from None
    return lines[:-1] if lines[-1] == "" else lines
