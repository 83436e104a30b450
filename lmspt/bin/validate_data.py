"""Check a data directory: its tables agree, are sorted, and its audio is there. Nothing is written."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line, that of Kaldi's script of this name."""
    p = argparse.ArgumentParser(description=__doc__, epilog="All problems are listed, exit status 1 if there are any.")
    p.add_argument("data", type=Path, metavar="data-dir", help="data/<set>")
    p.add_argument("--no-text", action="store_true", help="text may be missing")
    p.add_argument("--no-wav", action="store_true", help="wav.scp may be missing")
    p.add_argument("--no-feats", action="store_true", help="as in Kaldi; features are never looked for")
    p.add_argument("--no-spk-sort", action="store_true", help="no word about utterances that do not begin with their speaker")
    p.add_argument("--non-print", action="store_true", help="text may hold characters that are not printed")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, check, say what is there."""
    args = parser().parse_args(argv)
    from lmspt.data.validate import validate

    optional = [name for name, missing in (("text", args.no_text), ("wav.scp", args.no_wav)) if missing]
    report = validate(args.data, optional, args.non_print)
    for warning in report.warnings(spk_sort=not args.no_spk_sort):
        print(f"warning: {warning}", file=sys.stderr)
    print(report.summary())


if __name__ == "__main__":
    run_main(main)
