"""Stage 5: make one token store of the shares that several jobs have dumped."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--tokens", type=Path, required=True, help="dump/tokens/<tok_id>/<set>, the --out of each tok_dump")
    p.add_argument("--shares", type=int, required=True, help="how many there are")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, join."""
    args = parser().parse_args(argv)
    from lmspt.data.tokens import join_shares

    start_log()
    print(f"{args.tokens}: {join_shares(args.tokens, args.shares)} utterances")


if __name__ == "__main__":
    run_main(main)
