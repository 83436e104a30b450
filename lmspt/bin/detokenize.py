"""Codes to speech: .npy files, folders of them and token stores in, a wav each out."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import InputError, run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("inputs", nargs="+", type=Path, help="what lmspt.bin.tokenize wrote: .npy files, folders, token stores")
    p.add_argument("--model", required=True, help="unpacked archive of stage 14, exp/tok_<tag>, or the released LM-SPT")
    p.add_argument("--out", type=Path, required=True, help="folder; gets <name>.wav")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, decode, write."""
    args = parser().parse_args(argv)
    from tqdm import tqdm

    from lmspt.data.audio import write_wav
    from lmspt.data.codes import read_codes
    from lmspt.data.collect import stop_if_any
    from lmspt.device import inference_device
    from lmspt.inference import Tokenizer

    start_log()
    device = inference_device(args.ngpu, args.num_threads)
    tokenizer = Tokenizer.from_pretrained(args.model, device)
    n, problems = 0, []
    for name, codes in tqdm(read_codes(args.inputs, tokenizer.tok_id), "detokenize", disable=None, mininterval=1):
        try:
            write_wav(args.out / f"{name}.wav", tokenizer.decode(codes), tokenizer.sample_rate)
            n += 1
        except InputError as error:
            problems.append(f"{name}: {error}")
    print(f"{args.out}: {n} recordings")
    stop_if_any(problems)


if __name__ == "__main__":
    run_main(main)
