"""Stage 6: how near resynthesised speech is to the recordings."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--ref", type=Path, required=True, help="formatted set: the recordings")
    p.add_argument("--wav", type=Path, required=True, help="folder with the wav.scp of what was resynthesised; all of it is scored")
    p.add_argument("--out", type=Path, required=True, help="codec.json")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, compare, write."""
    args = parser().parse_args(argv)
    from lmspt.files import write_json
    from lmspt.score.codec import score_codec
    from lmspt.score.speech import Speech

    start_log()
    result = score_codec(Speech(args.ref), Speech(args.wav))
    write_json(args.out, result)
    print(f"{args.out}: STOI {result['stoi'].get('mean', float('nan')):.3f}, {result['n_utts']} utterances")


if __name__ == "__main__":
    run_main(main)
