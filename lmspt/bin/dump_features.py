"""Stage 3: dump teacher features for the k-means tokenizers that read them. Resynthesis needs none: it listens as it trains."""

from __future__ import annotations

import argparse
from pathlib import Path

from lmspt.bin.log import start_log
from lmspt.cpu import n_threads
from lmspt.errors import run_main


def parser() -> argparse.ArgumentParser:
    """The command line."""
    p = argparse.ArgumentParser(description=__doc__, epilog="Further --key value pairs override the config.")
    p.add_argument("--config", type=Path, required=True, help="k-means config; says teacher, layer and how many utterances")
    p.add_argument("--data", type=Path, required=True, help="formatted data directory")
    p.add_argument("--out", type=Path, required=True, help="dump/feats/<teacher>_layer<n>_utts<n>_seed<n>/<set>")
    p.add_argument("--num_threads", type=int, default=n_threads(), help="on the CPU")
    p.add_argument("--ngpu", type=int, choices=(0, 1), default=0, help="1: on a GPU")
    return p


def main(argv: list[str] | None = None) -> None:
    """Parse, listen, write."""
    args, overrides = parser().parse_known_args(argv)
    from lmspt.config import load_config
    from lmspt.data.datadir import DataDir
    from lmspt.device import inference_device
    from lmspt.tokenizer.config import ALL_CONFIGS, KMeansConfig
    from lmspt.tokenizer.kmeans import dump_teacher_features

    start_log()
    device = inference_device(args.ngpu, args.num_threads)
    (config,) = load_config(args.config, overrides, KMeansConfig, siblings=ALL_CONFIGS)
    n = dump_teacher_features(config, DataDir(args.data), args.out, device)
    print(f"{args.out}: features of {n} utterances")


if __name__ == "__main__":
    run_main(main)
