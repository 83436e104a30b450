"""Stage 8: train a speech language model, speech to text and text to speech. Rerunning the same command goes on; under
torchrun, with many ranks."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.errors import require_given, run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, epilog="Further --key value pairs override the config.")
    p.add_argument("--config", type=Path, required=True, help="YAML of the language model")
    p.add_argument("--data", type=Path, help="what stage 7 wrote")
    p.add_argument("--tokenizer", type=Path, help="exp/tok_<tag>, whose tokens these are")
    p.add_argument("--out", type=Path, help="experiment folder, exp/slm_<tag>")
    p.add_argument("--ngpu", type=int, default=0)
    p.add_argument("--print_config", action="store_true", help="print the resolved config and stop")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, train, save."""
    args, overrides = parser().parse_known_args(argv)
    from lmspt.config import dump_config, load_config
    from lmspt.slm.config import CONFIGS

    configs = load_config(args.config, [f"ngpu={args.ngpu}", *overrides], *CONFIGS)
    if args.print_config:
        print(dump_config(*configs), end="")
        return
    require_given(args, "data", "tokenizer", "out")
    from lmspt.slm.checkpoint import save_slm
    from lmspt.slm.training import train
    from lmspt.tokenizer.checkpoint import load_tokenizer
    from lmspt.train.ranks import joined_ranks, rank

    start_log()
    with joined_ranks(args.ngpu):
        tokenizer = load_tokenizer(args.tokenizer) if configs[0].init_embeddings == "codebook" else None
        model = train(configs, args.data, args.out, tokenizer)
        if rank() == 0:
            save_slm(args.out, model, configs, args.tokenizer)
            print(args.out)


if __name__ == "__main__":
    run_main(main)
