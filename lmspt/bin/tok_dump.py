"""Stage 5: encode a data directory into a token store. Rerunning goes on after the last whole shard."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--tokenizer", type=Path, required=True, help="exp/tok_<tag>")
    p.add_argument("--data", type=Path, required=True, help="formatted data directory")
    p.add_argument("--out", type=Path, required=True, help="dump/tokens/<tok_id>/<set>")
    p.add_argument("--variants", type=int, default=0, help="heard variants an utterance (gain, speed, offset); 0: as it is")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, encode, write."""
    args = parser().parse_args(argv)
    import torch

    from lmspt.data.datadir import DataDir
    from lmspt.data.variation import VariationConfig
    from lmspt.tokenizer.checkpoint import load_tokenizer
    from lmspt.tokenizer.dump import dump

    start_log()
    torch.set_num_threads(args.num_threads)
    n = dump(load_tokenizer(args.tokenizer), DataDir(args.data), args.out, args.variants, VariationConfig())
    print(f"{args.out}: {n} utterances")


if __name__ == "__main__":
    run_main(main)
