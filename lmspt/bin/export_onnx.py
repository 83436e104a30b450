"""A tokenizer for programs without torch: encode.onnx, decode.onnx and tokenizer.json."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--model", required=True, help="unpacked archive of stage 14, exp/tok_<tag>, or the released LM-SPT")
    p.add_argument("--out", type=Path, required=True, help="folder")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, load, write."""
    args = parser().parse_args(argv)
    from lmspt.inference import Tokenizer
    from lmspt.tokenizer.export import export_onnx

    start_log()
    export_onnx(Tokenizer.from_pretrained(args.model).trained, args.out)
    print(f"{args.out}: encode.onnx, decode.onnx, tokenizer.json")


if __name__ == "__main__":
    run_main(main)
