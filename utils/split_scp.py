#!/usr/bin/env python3
"""Split a list into consecutive pieces of nearly equal length.

split_scp.py LIST PIECE_1 ... PIECE_N
"""

from __future__ import annotations

import sys
from pathlib import Path

from scp import die, read_lines, usage


def main(argv: list[str]) -> None:
    """Write ``argv[0]`` in ``len(argv) - 1`` pieces, the longer ones first."""
    if len(argv) < 2:
        usage(__doc__)
    source, *pieces = argv
    lines = read_lines(source)
    if len(lines) < len(pieces):
        die(f"{source} has {len(lines)} lines, too few for {len(pieces)} pieces: lower --nj")
    length, longer = divmod(len(lines), len(pieces))
    begin = 0
    for index, piece in enumerate(pieces):
        end = begin + length + (index < longer)
        Path(piece).write_text("".join(f"{line}\n" for line in lines[begin:end]), encoding="utf-8")
        begin = end


if __name__ == "__main__":
    main(sys.argv[1:])
