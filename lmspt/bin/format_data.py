"""Stage 2: bring a data directory's audio to one rate and channel, cut segments, drop what is too short or too long."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", type=Path, required=True, help="data/<set>")
    p.add_argument("--out", type=Path, required=True, help="dump/raw/<set>")
    p.add_argument("--sample_rate", type=int, default=16000, help="Hz")
    p.add_argument("--min_seconds", type=float, default=0.0, help="drop shorter utterances")
    p.add_argument("--max_seconds", type=float, default=float("inf"), help="drop longer utterances")
    p.add_argument("--nj", type=int, default=1, help="threads")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, write, say what was dropped."""
    args = parser().parse_args(argv)
    from collections import Counter

    from lmspt.data.datadir import DataDir
    from lmspt.data.format import format_data

    limits = (args.min_seconds, args.max_seconds)
    n, dropped = format_data(DataDir(args.data), args.out, args.sample_rate, *limits, args.nj)
    print(f"{args.out}: {n} utterances")
    for why, count in Counter(dropped.values()).items():
        print(f"{args.out}: {count} dropped, {why} (dropped.tsv)")


if __name__ == "__main__":
    run_main(main)
