"""Stage 7: text units, joint vocabulary and examples of a speech language model."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, epilog="Further --key value pairs override the config.")
    p.add_argument("--config", type=Path, required=True, help="YAML of the language model")
    p.add_argument("--tokens", type=Path, required=True, help="dump/tokens/<tok_id>")
    p.add_argument("--raw", type=Path, required=True, help="dump/raw")
    p.add_argument("--train", required=True, help="name of the training set")
    p.add_argument("--valid", required=True, help="name of the validation set")
    p.add_argument("--out", type=Path, required=True, help="exp/data_<tok tag>_<config>")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, prepare."""
    args, overrides = parser().parse_known_args(argv)
    from lmspt.config import load_config
    from lmspt.slm.config import CONFIGS
    from lmspt.slm.examples import prepare

    config, *_ = load_config(args.config, overrides, *CONFIGS)
    size = prepare(config, args.tokens, args.raw, args.train, args.valid, args.out)
    print(f"{args.out}: vocabulary of {size} ids")


if __name__ == "__main__":
    run_main(main)
