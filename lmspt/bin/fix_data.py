"""Mend a data directory: sort its tables, drop utterances that not every one has; what was there goes to .backup/."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.errors import run_main, some_of


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("data", type=Path, metavar="data-dir", help="data/<set>")
    p.add_argument("--read-audio", action="store_true", help="read all of it, and drop what is silent or broken inside")
    p.add_argument("--nj", type=int, default=1, help="threads that read audio")
    p.add_argument("--against", type=Path, nargs="+", default=[], metavar="data-dir", help="drop what is in these sets, too")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, mend, say what was dropped."""
    args = parser().parse_args(argv)
    from lmspt.data.fix import BACKUP, fix_data

    fixed = fix_data(args.data, read=args.read_audio, nj=args.nj, against=args.against)
    if fixed.dropped:
        print(some_of([f"dropped {utt}: {why}" for utt, why in fixed.dropped.items()]))
        print(f"{args.data}: what was dropped and why is in {args.data / BACKUP / 'dropped.tsv'}")
    if fixed.changed:
        print(f"{args.data}: wrote {', '.join(fixed.changed)} anew; what was there before is in {args.data / BACKUP}")
    print(f"{args.data}: kept {len(fixed.kept)} out of {len(fixed.kept) + len(fixed.dropped)} utterances")


if __name__ == "__main__":
    run_main(main)
