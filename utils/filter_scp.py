#!/usr/bin/env python3
"""Keep the lines of a list whose first word is a key of another.

filter_scp.py [--exclude] KEYS [LIST] > OUT
"""

from __future__ import annotations

import sys

from scp import read_lines, usage


def main(argv: list[str]) -> None:
    """Print the lines of LIST (default: standard input) that are, or with ``--exclude`` are not, in KEYS."""
    exclude = argv[:1] == ["--exclude"]
    files = argv[1:] if exclude else argv
    if not 1 <= len(files) <= 2 or files[0].startswith("--"):
        usage(__doc__)
    keys = {line.split()[0] for line in read_lines(files[0]) if line.strip()}
    for line in read_lines(files[1] if len(files) == 2 else "-"):
        if line.strip() and (line.split()[0] in keys) != exclude:
            print(line)


if __name__ == "__main__":
    main(sys.argv[1:])
