"""Recordings to text: files and folders in, a line "<name> <text>" each out."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("inputs", nargs="+", type=Path, help="recordings of any rate, and folders of them")
    p.add_argument("--model", type=Path, required=True, help="unpacked archive of stage 14")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, recognise, print."""
    args = parser().parse_args(argv)
    from lmspt.data.audio import AUDIO
    from lmspt.data.collect import collect, for_each, stop_if_any
    from lmspt.device import inference_device
    from lmspt.inference import SpeechLM

    start_log()
    device = inference_device(args.ngpu, args.num_threads)
    files = collect(args.inputs, AUDIO)
    model, codes = SpeechLM.from_pretrained(args.model, device), {}
    problems = for_each(files, "tokenize", lambda name, path: codes.update({name: model.tokenizer.encode(path)}))
    for name, text in sorted(model.read(codes).items()):
        print(name, text)
    stop_if_any(problems)


if __name__ == "__main__":
    run_main(main)
