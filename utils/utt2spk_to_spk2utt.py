#!/usr/bin/env python3
"""Turn `<utt> <spk>` lines into `<spk> <utt> ...` lines, in byte order.

utt2spk_to_spk2utt.py [UTT2SPK] > SPK2UTT
"""

from __future__ import annotations

import sys

from scp import die, in_byte_order, read_table, usage


def main(argv: list[str]) -> None:
    """Print the spk2utt of ``argv[0]`` (default: standard input)."""
    if len(argv) > 1 or argv == ["--help"]:
        usage(__doc__)
    source = argv[0] if argv else "-"
    speakers: dict[str, list[str]] = {}
    for utt, fields in read_table(source).items():
        if len(fields) != 1:
            die(f"{source}: {utt} has {len(fields)} speakers, one is needed")
        speakers.setdefault(fields[0], []).append(utt)
    for speaker in in_byte_order(speakers):
        print(speaker, *in_byte_order(speakers[speaker]))


if __name__ == "__main__":
    main(sys.argv[1:])
