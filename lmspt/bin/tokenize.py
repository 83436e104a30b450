"""Recordings to codes: files and folders in, a .npy each or one token store out."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("inputs", nargs="+", type=Path, help="recordings of any rate and length, and folders of them")
    p.add_argument("--model", required=True, help="unpacked archive of stage 14, exp/tok_<tag>, or the released LM-SPT")
    p.add_argument("--out", type=Path, required=True, help="folder; gets <name>.npy (K, F) int32 and tokenizer.json")
    p.add_argument("--format", choices=("npy", "arrow"), default="npy", help="arrow: a token store, as of stage 5, that goes on")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, encode, write."""
    args = parser().parse_args(argv)
    from lmspt.data.audio import AUDIO
    from lmspt.data.codes import code_writer
    from lmspt.data.collect import collect, for_each, stop_if_any
    from lmspt.device import inference_device
    from lmspt.inference import Tokenizer
    from lmspt.tokenizer.interface import store_meta

    start_log()
    device = inference_device(args.ngpu, args.num_threads)
    files = collect(args.inputs, AUDIO)
    tokenizer = Tokenizer.from_pretrained(args.model, device)
    with code_writer(args.out, store_meta(tokenizer.trained), args.format) as (done, write):
        left = {name: path for name, path in files.items() if name not in done}
        problems = for_each(left, "tokenize", lambda name, path: write(name, tokenizer.encode(path)))
    print(f"{args.out}: {len(files) - len(problems)} recordings")
    stop_if_any(problems)


if __name__ == "__main__":
    run_main(main)
