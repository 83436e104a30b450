"""Stage 12: train the second judge, a small recogniser of a closed vocabulary that shares nothing with Whisper."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--data", type=Path, required=True, help="formatted training set; no recording of a test set may be in it")
    p.add_argument("--out", type=Path, required=True, help="exp/judge_ctc, then the --judge of tts_score")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, train, save."""
    args = parser().parse_args(argv)
    from lmspt.data.datadir import DataDir
    from lmspt.score.ctc_judge import train_judge

    start_log()
    loss = train_judge(DataDir(args.data), args.out, args.num_threads)
    print(f"{args.out}: loss {loss:.3f} on its own training set")


if __name__ == "__main__":
    run_main(main)
