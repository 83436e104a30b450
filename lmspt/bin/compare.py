"""Compare systems: differences of word error rates with their intervals and p, on the same utterances."""

from __future__ import annotations

import argparse
import sys

from lmspt.errors import run_main

EPILOG = """\
SYSTEM is a folder exp/slm_<tag>, or exp/tok_<tag> for its resynthesis and for what its codes tell of words; the beginning of
exp/slm_<tag>_s<seed>, whose seeds are then pooled; or results/benchmark.json:<row>. Utterances, and the seeds of each system, are
drawn 10,000 times (of what codes tell, utterances are left out one by one); p is corrected for the number of pairs. Speech that two
judges have read is compared by each of them. Scores of different contracts or of other utterances are refused.
"""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("systems", nargs="+", metavar="SYSTEM", help="two or more")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, compare, print."""
    p = parser()
    args = p.parse_args(argv)
    if len(set(args.systems)) < 2:
        p.error("give two different systems, or more")
    from lmspt.report.compare import compare, read_scored, warnings_of

    systems = [read_scored(name) for name in dict.fromkeys(args.systems)]
    lines = compare(systems)
    for warning in warnings_of(systems):
        print(f"warning: {warning}", file=sys.stderr)
    print("\n".join(lines))


if __name__ == "__main__":
    run_main(main)
