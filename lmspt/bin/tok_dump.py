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
    p.add_argument("--share", type=_share, default=(1, 1), help="3/8: the third of eight shares, for tok_join")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, encode, write."""
    args = parser().parse_args(argv)
    from lmspt.data.datadir import DataDir
    from lmspt.data.variation import VariationConfig
    from lmspt.device import inference_device
    from lmspt.tokenizer.checkpoint import load_tokenizer
    from lmspt.tokenizer.dump import dump

    start_log()
    device = inference_device(args.ngpu, args.num_threads)
    tokenizer = load_tokenizer(args.tokenizer, device)
    n = dump(tokenizer, DataDir(args.data), args.out, args.variants, VariationConfig(), share=args.share)
    print(f"{args.out}: {n} utterances")


def _share(words: str) -> tuple[int, int]:
    number, _, shares = words.partition("/")
    if not (number.isdecimal() and shares.isdecimal() and 1 <= int(number) <= int(shares)):
        raise argparse.ArgumentTypeError(f"'{words}': write 3/8 for the third of eight shares")
    return int(number), int(shares)


if __name__ == "__main__":
    run_main(main)
