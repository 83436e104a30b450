"""Kaldi tables: ``<key> <value>`` a line. Read with every complaint naming file and line; written whole, in byte order."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

from lmspt.errors import InputError
from lmspt.files import write_text

# A key becomes a file name: no slash, no leading dot, no control characters, and room for a suffix.
KEY = re.compile(r"(?!\.)[^\s/\x00-\x1f\x7f]{1,200}\Z")


def read_scp(path: str | Path, may_be_empty: bool = False) -> dict[str, str]:
    """A table by key, in the order of the file.

    Args:
        path: the table.
        may_be_empty: whether a key may stand alone (an empty hypothesis).

    Raises:
        InputError: no such file, not UTF-8, a blank line, a key that cannot name a file, a key twice, a key alone.
    """
    path = Path(path)
    table: dict[str, str] = {}
    for number, line in enumerate(_lines(path), 1):
        key, *value = line.split(maxsplit=1) or [""]
        if not key:
            raise InputError(f"{path}:{number}: blank line; remove it")
        if not KEY.match(key):
            raise InputError(f"{path}:{number}: '{key[:60]}' cannot be a key: at most 200 characters, no '/', no '.' at its head")
        if key in table:
            raise InputError(f"{path}:{number}: '{key}' is there twice; keep one of the lines")
        if not value and not may_be_empty:
            raise InputError(f"{path}:{number}: '{key}' stands alone; write its value behind it or remove the line")
        table[key] = value[0].rstrip() if value else ""
    return table


def write_scp(path: str | Path, table: Mapping[str, object]) -> None:
    """Write a table in byte order, as ``LC_ALL=C sort`` has it."""
    write_text(path, "".join(f"{key} {table[key]}".rstrip() + "\n" for key in in_byte_order(table)))


def in_byte_order(keys: Mapping[str, object] | set[str] | list[str]) -> list[str]:
    """Keys sorted as ``LC_ALL=C sort`` does."""
    return sorted(keys, key=os.fsencode)


def _lines(path: Path) -> list[str]:
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        lines = path.read_bytes().decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        number = path.read_bytes()[: error.start].count(b"\n") + 1
        raise InputError(f"{path}:{number}: not UTF-8; convert the file with iconv") from None
    return lines[:-1] if lines[-1] == "" else lines
