"""Check a data directory: tables agree and are sorted, audio is there, what is tested was not trained on. Nothing is written."""

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
    p.add_argument("--read-audio", action="store_true", help="read all of it: silence, clipping, NaN; pipes are run")
    p.add_argument("--nj", type=int, default=1, help="threads that read audio")
    p.add_argument(
        "--against", type=Path, nargs="+", default=[], metavar="data-dir", help="sets that it may share no utterance with"
    )
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, check, say what is there."""
    args = parser().parse_args(argv)
    from lmspt.data.validate import validate

    optional = [name for name, missing in (("text", args.no_text), ("wav.scp", args.no_wav)) if missing]
    report = validate(
        args.data,
        optional=optional,
        non_print=args.non_print,
        read=args.read_audio,
        nj=args.nj,
        against=args.against,
    )
    for warning in report.warnings(spk_sort=not args.no_spk_sort):
        print(f"warning: {warning}", file=sys.stderr)
    print(report.summary(), *report.durations(), sep="\n")


if __name__ == "__main__":
    run_main(main)
