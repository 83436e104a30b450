#!/usr/bin/env python3
"""Turn `<spk> <utt> ...` lines into `<utt> <spk>` lines, in byte order.

spk2utt_to_utt2spk.py [SPK2UTT] > UTT2SPK
"""

from __future__ import annotations

import sys

from scp import die, in_byte_order, read_table, usage


def main(argv: list[str]) -> None:
    """Print the utt2spk of ``argv[0]`` (default: standard input)."""
    if len(argv) > 1 or argv == ["--help"]:
        usage(__doc__)
    source = argv[0] if argv else "-"
    speaker_of: dict[str, str] = {}
    for speaker, utts in read_table(source).items():
        for utt in utts:
            if utt in speaker_of:
                die(f"{source}: {utt} is of {speaker_of[utt]} and of {speaker}: keep one")
            speaker_of[utt] = speaker
    for utt in in_byte_order(speaker_of):
        print(utt, speaker_of[utt])


if __name__ == "__main__":
    main(sys.argv[1:])
