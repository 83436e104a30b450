"""Stage 14: one archive of a system: weights, configurations, vocabulary, scores, licence notes."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--slm", type=Path, required=True, help="exp/slm_<tag>")
    p.add_argument("--tokenizer", type=Path, required=True, help="exp/tok_<tag>, whose tokens it was trained on")
    p.add_argument("--results", type=Path, required=True, help="folder with RESULTS.md and benchmark.json")
    p.add_argument("--out", type=Path, required=True, help="archive, <name>.tar.gz")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, pack."""
    args = parser().parse_args(argv)
    from lmspt.pack import pack

    names = pack(args.slm, args.tokenizer, args.results, args.out)
    print(f"{args.out}: {len(names)} files, {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    run_main(main)
