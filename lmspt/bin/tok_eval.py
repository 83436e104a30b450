"""Stage 6: resynthesise a test set from all streams and from the semantic one alone; codebook health; token stability."""

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
    p.add_argument("--tokens", type=Path, required=True, help="its token store")
    p.add_argument("--out", type=Path, required=True, help="exp/tok_<tag>/eval/<set>")
    p.add_argument("--max_utts", type=int, help="resynthesise at most so many, the same for every system")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, decode, measure, write."""
    args = parser().parse_args(argv)
    from lmspt.data.datadir import DataDir
    from lmspt.data.subset import choose_utts
    from lmspt.data.tokens import TokenStore
    from lmspt.device import inference_device
    from lmspt.files import write_json
    from lmspt.tokenizer.checkpoint import load_tokenizer
    from lmspt.tokenizer.evaluate import resynthesise, token_report

    start_log()
    device = inference_device(args.ngpu, args.num_threads)
    tokenizer, data = load_tokenizer(args.tokenizer, device), DataDir(args.data)
    tokens = TokenStore(args.tokens, tokenizer.tok_id)
    utts = choose_utts(data.utts, args.max_utts)
    if tokenizer.can_decode:
        resynthesise(tokenizer, tokens, utts, args.out / "all", len(tokenizer.streams))
        resynthesise(tokenizer, tokens, utts, args.out / "semantic", 1)
    write_json(args.out / "tokens.json", token_report(tokenizer, data, tokens, utts))
    print(f"{args.out}: {len(utts)} utterances")


if __name__ == "__main__":
    run_main(main)
